//! `impl` blocks whose marked methods become components that share the struct.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{
    Attribute, GenericParam, ImplItem, ImplItemFn, ItemImpl, Meta, ReceiverKind, Token, Type,
    parse::{ParseStream, Parser},
    spanned::Spanned,
};

use crate::{
    crate_path::core_path,
    entry::Component,
    function::{self, check_signature},
    options::{Kind, Options, comma},
    params::{self, Errors},
};

pub(crate) fn expand(attribute: TokenStream, item: &TokenStream) -> TokenStream {
    let mut block: ItemImpl = match syn::parse2(item.clone()) {
        Ok(block) => block,
        Err(_) => {
            let error = "`#[components]` goes on an `impl` block";
            let error = syn::Error::new_spanned(item, error).into_compile_error();
            return quote!(#error #item);
        }
    };
    let expanded = try_expand(attribute, &mut block);
    // The block itself stays, so that what is wrong with a component is the only error.
    for item in &mut block.items {
        if let ImplItem::Fn(method) = item {
            if method
                .attrs
                .iter()
                .any(|attr| Kind::of(attr.path()).is_some())
            {
                method.attrs.retain(|attr| Kind::of(attr.path()).is_none());
                params::strip(&mut method.sig.inputs);
                method.attrs.push(function::owned_arguments());
            }
        }
    }
    let expanded = expanded.unwrap_or_else(syn::Error::into_compile_error);
    quote!(#block #expanded)
}

fn try_expand(attribute: TokenStream, block: &mut ItemImpl) -> syn::Result<TokenStream> {
    let core = core_path(crate_option(attribute)?.as_ref())?;
    let mut errors = Errors::default();
    check_block(block, &mut errors);
    let mut entries = Vec::new();
    for item in &mut block.items {
        let ImplItem::Fn(method) = item else { continue };
        let marks: Vec<Attribute> = method
            .attrs
            .iter()
            .filter(|attr| Kind::of(attr.path()).is_some())
            .cloned()
            .collect();
        for (index, mark) in marks.iter().enumerate() {
            if index > 0 {
                errors.add(
                    mark.span(),
                    "a method is one component: leave one of the attributes out",
                );
                continue;
            }
            if let Some(entry) = errors.keep(entry(method, mark, &core)) {
                entries.push(entry);
            }
        }
    }
    if entries.is_empty() {
        let error = "no method is marked with `#[tool]`, `#[resource]` or `#[prompt]`: mark those that clients may use";
        errors.add(block.self_ty.span(), error);
    }
    errors.finish()?;
    Ok(implementation(block, &entries, &core))
}

fn crate_option(attribute: TokenStream) -> syn::Result<Option<syn::Path>> {
    let parser = |input: ParseStream<'_>| {
        let mut path = None;
        while !input.is_empty() {
            if !input.peek(Token![crate]) {
                return Err(input.error("`#[components]` has the one option `crate = path`"));
            }
            input.parse::<Token![crate]>()?;
            input.parse::<Token![=]>()?;
            path = Some(input.call(syn::Path::parse_mod_style)?);
            comma(input)?;
        }
        Ok(path)
    };
    parser.parse2(attribute)
}

fn check_block(block: &ItemImpl, errors: &mut Errors) {
    if let Some((path, _)) = &block.trait_ {
        errors.add(
            path.span(),
            "components are a struct's own methods: move them to an `impl` block without a trait",
        );
    }
    for param in &block.generics.params {
        if let GenericParam::Lifetime(lifetime) = param {
            errors.add(
                lifetime.span(),
                "components live as long as their server: make the struct own what it holds",
            );
        }
    }
}

/// The entry of one method, in a block of its own.
fn entry(
    method: &mut ImplItemFn,
    mark: &Attribute,
    core: &TokenStream,
) -> syn::Result<TokenStream> {
    let Some(kind) = Kind::of(mark.path()) else {
        return Ok(TokenStream::new());
    };
    let options = match &mark.meta {
        Meta::Path(path) if kind == Kind::Resource => {
            return Err(syn::Error::new(
                path.span(),
                "say the URI: `#[resource(\"data://…\")]`",
            ));
        }
        Meta::Path(_) => Options::default(),
        Meta::List(list) => Options::parse(kind, list.tokens.clone())?,
        Meta::NameValue(pair) => {
            return Err(syn::Error::new(
                pair.span(),
                format!("options stand in parentheses: `#[{}(…)]`", kind.name()),
            ));
        }
    };
    let mut errors = Errors::default();
    if let Some(path) = &options.core {
        errors.add(
            path.span(),
            "say it once for the whole block: `#[components(crate = path)]`",
        );
    }
    let mut signature = method.sig.clone();
    check_signature(kind, &signature, &mut errors);
    let receiver = errors.keep(receiver(&signature));
    let params = errors.keep(params::take(kind, &mut signature, core));
    errors.finish()?;
    let (receiver, params) = (receiver.flatten(), params.unwrap_or_default());
    let name = &signature.ident;
    let component = Component {
        kind,
        options: &options,
        attrs: &method.attrs,
        signature: &signature,
        params: &params,
        core,
        function: quote_spanned!(name.span()=> Self::#name),
        capture: receiver
            .as_ref()
            .map(|_| quote!(let __this = ::core::clone::Clone::clone(&__this);))
            .unwrap_or_default(),
        receiver: receiver.clone(),
    };
    let entry = component.entry()?;
    let add = syn::Ident::new(kind.name(), proc_macro2::Span::call_site());
    let this = receiver.map(|_| quote!(let __this = ::core::clone::Clone::clone(&self);));
    let gates = method
        .attrs
        .iter()
        .filter(|attr| attr.path().is_ident("cfg"));
    Ok(quote! {
        #(#gates)*
        {
            #this
            __set.#add(#entry);
        }
    })
}

/// How a method is given the shared struct; `None` for a function without receiver.
fn receiver(signature: &syn::Signature) -> syn::Result<Option<TokenStream>> {
    let Some(receiver) = signature.receiver() else {
        return Ok(None);
    };
    let wrong = |span| {
        let error = "calls run at the same time: take `&self`, and put what changes into a `Mutex` or an atomic";
        Err(syn::Error::new(span, error))
    };
    match &receiver.kind {
        ReceiverKind::Reference(_, _, Some(mutable)) => wrong(mutable.span),
        ReceiverKind::Reference(_, Some(lifetime), None) => Err(syn::Error::new(
            lifetime.span(),
            "a call is all that a receiver lives for: leave the lifetime out",
        )),
        ReceiverKind::Reference(..) => Ok(Some(quote!(&__this))),
        ReceiverKind::Typed(_, ty) => match &**ty {
            Type::Reference(reference)
                if is_arc(&reference.elem) && reference.mutability.is_none() =>
            {
                Ok(Some(quote!(&__this)))
            }
            ty if is_arc(ty) => Ok(Some(quote!(::core::clone::Clone::clone(&__this)))),
            ty => wrong(ty.span()),
        },
        _ => wrong(receiver.self_token.span),
    }
}

fn is_arc(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Arc"))
}

fn implementation(block: &ItemImpl, entries: &[TokenStream], core: &TokenStream) -> TokenStream {
    let ty = &block.self_ty;
    let (generics, _, clause) = block.generics.split_for_impl();
    let predicates = clause
        .map(|clause| &clause.predicates)
        .into_iter()
        .flatten();
    // Said only where it does not follow from the type.
    let shared = (!block.generics.params.is_empty())
        .then(|| quote!(#ty: ::core::marker::Send + ::core::marker::Sync + 'static,));
    let clause = quote!(where #(#predicates,)* #shared);
    let gates: Vec<_> = block
        .attrs
        .iter()
        .filter(|attr| attr.path().is_ident("cfg"))
        .collect();
    quote! {
        #(#gates)*
        #[automatically_derived]
        impl #generics #core::SharedComponents for #ty #clause {
            fn add_shared(self: #core::__private::Arc<Self>, __set: &mut #core::ComponentSet) {
                #(#entries)*
            }
        }

        #(#gates)*
        #[automatically_derived]
        impl #generics #core::Components for #ty #clause {
            fn add_to(self, __set: &mut #core::ComponentSet) {
                #core::SharedComponents::add_shared(#core::__private::Arc::new(self), __set);
            }
        }
    }
}
