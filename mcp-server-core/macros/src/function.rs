//! Free functions: a unit struct in the function's place, which can be called and registered.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Attribute, FnArg, ItemFn, ReturnType, Safety, Signature, Type, spanned::Spanned};

use crate::{
    crate_path::core_path,
    docs,
    entry::Component,
    options::{Kind, Options},
    params::{self, Errors, Param},
};

pub(crate) fn expand(kind: Kind, attribute: TokenStream, item: &TokenStream) -> TokenStream {
    let mut function: ItemFn = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(_) => {
            let error = format!("`#[{}]` goes on a function", kind.name());
            let error = syn::Error::new_spanned(item, error).into_compile_error();
            return quote!(#error #item);
        }
    };
    match try_expand(kind, attribute, function.clone()) {
        Ok(tokens) => tokens,
        Err(error) => {
            // The function itself stays, so that this is the only error.
            let error = error.into_compile_error();
            params::strip(&mut function.sig.inputs);
            quote!(#error #function)
        }
    }
}

fn try_expand(
    kind: Kind,
    attribute: TokenStream,
    mut function: ItemFn,
) -> syn::Result<TokenStream> {
    if let Some(receiver) = function.sig.receiver() {
        let error = format!(
            "a method becomes a {kind} with its `impl` block: write `#[components]` above that, and leave `#[{kind}]` here",
            kind = kind.name()
        );
        return Err(syn::Error::new(receiver.self_token.span, error));
    }
    let options = Options::parse(kind, attribute)?;
    let core = core_path(options.core.as_ref())?;
    let mut errors = Errors::default();
    check_signature(kind, &function.sig, &mut errors);
    if let ReturnType::Type(_, ty) = &function.sig.output {
        if let Type::ImplTrait(_) = &**ty {
            errors.add(
                ty.span(),
                "what is returned needs a name: write the type instead of `impl …`",
            );
        }
    }
    let params = errors.keep(params::take(kind, &mut function.sig, &core));
    errors.finish()?;
    let params = params.unwrap_or_default();

    let name = function.sig.ident.clone();
    let component = Component {
        kind,
        options: &options,
        attrs: &function.attrs,
        signature: &function.sig,
        params: &params,
        core: &core,
        function: quote!(#name),
        receiver: None,
        capture: TokenStream::new(),
    };
    let entry = component.entry()?;
    let callable = callable(&function.sig, &params, &core);
    let (into, make, made) = conversion(kind);
    let vis = std::mem::replace(&mut function.vis, syn::Visibility::Inherited);
    let (outer, gates) = split_attributes(&mut function);
    let owned = owned_arguments();
    Ok(quote! {
        #(#outer)*
        #[allow(non_camel_case_types)]
        #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
        #vis struct #name;

        #(#gates)*
        #[allow(non_local_definitions)]
        const _: () = {
            #owned
            #function
            #callable

            #[automatically_derived]
            impl #core::#into for #name {
                fn #make(self) -> #core::#made {
                    #entry
                }
            }
        };
    })
}

/// The trait of a kind, its method, and what that gives.
fn conversion(kind: Kind) -> (TokenStream, TokenStream, TokenStream) {
    match kind {
        Kind::Tool => (quote!(IntoTool), quote!(into_tool), quote!(ToolEntry)),
        Kind::Resource => (
            quote!(IntoResource),
            quote!(into_resource),
            quote!(ResourceEntry),
        ),
        Kind::Prompt => (quote!(IntoPrompt), quote!(into_prompt), quote!(PromptEntry)),
    }
}

/// Leaves a function the attributes that are its own; gives those of the type that stands for it, and
/// of these the ones that decide whether there is anything at all.
fn split_attributes(function: &mut ItemFn) -> (Vec<Attribute>, Vec<Attribute>) {
    let attrs = std::mem::take(&mut function.attrs);
    let (outer, own) = attrs
        .into_iter()
        .partition::<Vec<_>, _>(|attr| docs::is_doc(attr) || is_gate(attr));
    function.attrs = own;
    let gates = outer.iter().filter(|attr| is_gate(attr)).cloned().collect();
    (outer, gates)
}

/// Attributes that decide whether there is a function at all, or warn of its use.
fn is_gate(attr: &Attribute) -> bool {
    ["cfg", "cfg_attr", "deprecated"]
        .iter()
        .any(|name| attr.path().is_ident(name))
}

/// An argument is owned because a client sent it, whatever the function does with it.
pub(crate) fn owned_arguments() -> Attribute {
    syn::parse_quote!(#[allow(clippy::needless_pass_by_value)])
}

/// What no component can be.
pub(crate) fn check_signature(kind: Kind, signature: &Signature, errors: &mut Errors) {
    let kind = kind.name();
    if let Some(first) = signature.generics.params.first() {
        let error = match first {
            syn::GenericParam::Lifetime(_) => {
                "an argument lives only as long as its call: leave the lifetimes out"
            }
            _ => "a client cannot choose types: write the types instead of generic parameters",
        };
        errors.add(first.span(), error);
    } else if let Some(clause) = &signature.generics.where_clause {
        errors.add(
            clause.span(),
            "a client cannot choose types: leave the `where` clause out",
        );
    }
    if let Safety::Unsafe(unsafety) = &signature.safety {
        let error =
            format!("a {kind} is called with whatever clients send: make the function safe");
        errors.add(unsafety.span, &error);
    }
    if let Some(abi) = &signature.abi {
        errors.add(
            abi.span(),
            &format!("a {kind} is a Rust function: leave `extern` out"),
        );
    }
    if let Some(variadic) = &signature.variadic {
        errors.add(
            variadic.span(),
            "the number of arguments must be known: take a `Vec` instead",
        );
    }
}

/// Lets the struct be called like the function it stands for.
fn callable(signature: &Signature, params: &[Param], core: &TokenStream) -> TokenStream {
    let name = &signature.ident;
    let types: Vec<_> = signature
        .inputs
        .iter()
        .filter_map(|input| match input {
            FnArg::Typed(typed) => Some(&*typed.ty),
            FnArg::Receiver(_) => None,
        })
        .collect();
    let returned = match &signature.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => quote!(#ty),
    };
    let span = name.span();
    let (target, pointer, wrapper) = if signature.asyncness.is_none() {
        (
            quote!(fn(#(#types),*) -> #returned),
            quote!(#name),
            TokenStream::new(),
        )
    } else {
        let borrows = types.iter().any(|ty| matches!(ty, Type::Reference(_)));
        let (lifetime, binder) = if borrows {
            (quote!('__call), quote!(<'__call>))
        } else {
            (quote!('static), TokenStream::new())
        };
        let quantified = borrows.then(|| quote!(for #binder));
        let types: Vec<_> = types.into_iter().map(with_call_lifetime).collect();
        let names: Vec<_> = (0..params.len())
            .map(|index| format_ident!("__arg{index}"))
            .collect();
        let boxed = quote! {
            #core::__private::Pin<#core::__private::Box<
                dyn ::core::future::Future<Output = #returned> + ::core::marker::Send + #lifetime
            >>
        };
        let wrapper = quote_spanned! {span=>
            fn __boxed #binder(#(#names: #types),*) -> #boxed {
                #core::__private::Box::pin(#name(#(#names),*))
            }
        };
        (
            quote!(#quantified fn(#(#types),*) -> #boxed),
            quote!(__boxed),
            wrapper,
        )
    };
    quote! {
        #wrapper

        #[automatically_derived]
        impl ::core::ops::Deref for #name {
            type Target = #target;

            fn deref(&self) -> &Self::Target {
                const __POINTER: #target = #pointer;
                &__POINTER
            }
        }
    }
}

/// References, all of one lifetime, which the future has too.
fn with_call_lifetime(ty: &Type) -> TokenStream {
    match ty {
        Type::Reference(reference) => {
            let inner = &reference.elem;
            quote!(&'__call #inner)
        }
        other => quote!(#other),
    }
}
