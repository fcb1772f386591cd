//! The parameters of a function: which are arguments, and how they are passed on.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Attribute, Expr, ExprLit, FnArg, GenericArgument, Lit, LitStr, Pat, PatType, PathArguments,
    Signature, Token, Type, ext::IdentExt, punctuated::Punctuated, spanned::Spanned,
};

use crate::{
    docs,
    options::{Kind, comma, value},
};

/// A parameter that is not `self`.
pub(crate) struct Param {
    /// How clients know it.
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) role: Role,
    /// The type to decode.
    pub(crate) ty: Type,
    /// The function wants a reference to it.
    pub(crate) by_ref: bool,
    pub(crate) description: TokenStream,
    pub(crate) default: Option<Default>,
    pub(crate) complete: Option<Complete>,
    pub(crate) unscreened: Option<Span>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The running call.
    Cx,
    /// One argument.
    Argument,
    /// All arguments together.
    All,
}

pub(crate) enum Default {
    /// What the type says.
    OfType,
    Expr(Expr),
}

pub(crate) enum Complete {
    /// Some of these.
    Values(Expr),
    /// What a function says.
    Function(Expr),
    /// What a `Completer` says.
    Completer(Expr),
}

impl Param {
    pub(crate) fn is_argument(&self) -> bool {
        self.role == Role::Argument
    }

    /// The default in the parameter's type.
    pub(crate) fn default_value(&self) -> Option<TokenStream> {
        Some(match self.default.as_ref()? {
            Default::OfType => quote_spanned!(self.ty.span()=> ::core::default::Default::default()),
            Default::Expr(expr) => match (expr, last_ident(&self.ty).as_deref()) {
                // Written the way one would write it for a variable of that type.
                (
                    Expr::Lit(ExprLit {
                        lit: Lit::Int(number),
                        ..
                    }),
                    Some("f64" | "f32"),
                ) => {
                    quote_spanned!(number.span()=> (#number as _))
                }
                (
                    Expr::Lit(ExprLit {
                        lit: Lit::Str(text),
                        ..
                    }),
                    Some("String"),
                ) => {
                    quote_spanned!(text.span()=> ::core::convert::Into::into(#text))
                }
                _ => expr.to_token_stream(),
            },
        })
    }
}

/// Reads the parameters and takes what is said to us out of the signature.
pub(crate) fn take(
    kind: Kind,
    signature: &mut Signature,
    core: &TokenStream,
) -> syn::Result<Vec<Param>> {
    let mut errors = Errors::default();
    let mut params = Vec::new();
    for input in &mut signature.inputs {
        if let FnArg::Typed(typed) = input {
            if let Some(param) = errors.keep(param(kind, typed, core)) {
                params.push(param);
            }
        }
    }
    check_names(&params, &mut errors);
    errors.finish()?;
    Ok(params)
}

fn check_names(params: &[Param], errors: &mut Errors) {
    for (index, param) in params.iter().enumerate() {
        let earlier = &params[..index];
        match param.role {
            Role::Cx if earlier.iter().any(|other| other.role == Role::Cx) => {
                errors.add(
                    param.span,
                    "the call's `Cx` is a parameter already: leave this one out",
                );
            }
            Role::Argument
                if earlier
                    .iter()
                    .any(|other| other.is_argument() && other.name == param.name) =>
            {
                errors.add(
                    param.span,
                    &format!(
                        "an argument named `{}` is there already: rename one",
                        param.name
                    ),
                );
            }
            Role::All if params.iter().any(|other| other.is_argument()) => {
                errors.add(param.span, "`flatten` takes all arguments: leave the other parameters out, or put them into its type");
            }
            Role::All if earlier.iter().any(|other| other.role == Role::All) => {
                errors.add(
                    param.span,
                    "`flatten` takes all arguments, so it can be there only once",
                );
            }
            _ => {}
        }
    }
}

fn param(kind: Kind, typed: &mut PatType, core: &TokenStream) -> syn::Result<Param> {
    let attrs = std::mem::take(&mut typed.attrs);
    let (ours, theirs): (Vec<_>, Vec<_>) = attrs
        .into_iter()
        .partition(|attr| docs::is_doc(attr) || attr.path().is_ident("arg"));
    typed.attrs = theirs;
    let Pat::Ident(ident) = &*typed.pat else {
        let error = match &*typed.pat {
            Pat::Wild(_) => {
                "an argument needs a name: write one instead of `_`, with a `_` before it if it is not used"
            }
            _ => "an argument needs a name: take it as a whole, and apart in the function's body",
        };
        return Err(syn::Error::new(typed.pat.span(), error));
    };
    if ident.by_ref.is_some() || ident.subpat.is_some() {
        return Err(syn::Error::new(
            typed.pat.span(),
            "an argument is just a name and a type: leave the pattern out",
        ));
    }
    let options = ArgOptions::parse(kind, &ours)?;
    let name = options
        .rename
        .as_ref()
        .map_or_else(|| ident.ident.unraw().to_string(), LitStr::value);
    let (ty, by_ref, is_cx) = decoded_type(&typed.ty, core)?;
    let role = match (is_cx, options.flatten) {
        (true, _) => Role::Cx,
        (false, true) => Role::All,
        (false, false) => Role::Argument,
    };
    if let (Role::Cx, Some(attr)) = (role, ours.iter().find(|attr| attr.path().is_ident("arg"))) {
        return Err(syn::Error::new(
            attr.span(),
            "`Cx` is no argument: leave `#[arg]` out",
        ));
    }
    let description = match &options.description {
        Some(description) => description.to_token_stream(),
        None => docs::text(&ours).to_token_stream(),
    };
    let ArgOptions {
        default,
        complete,
        unscreened,
        ..
    } = options;
    Ok(Param {
        name,
        span: ident.ident.span(),
        role,
        ty,
        by_ref,
        description,
        default,
        complete,
        unscreened,
    })
}

/// What is decoded for a parameter of that type, whether the function takes a reference to it, and
/// whether it is the `Cx`.
fn decoded_type(ty: &Type, core: &TokenStream) -> syn::Result<(Type, bool, bool)> {
    if let Type::ImplTrait(_) = ty {
        let error =
            "an argument needs one type that JSON is read into: name it instead of `impl …`";
        return Err(syn::Error::new(ty.span(), error));
    }
    let Type::Reference(reference) = ty else {
        refuse_references(ty)?;
        return Ok((ty.clone(), false, is_cx(ty)));
    };
    if let Some(mutability) = &reference.mutability {
        let error = "an argument cannot be taken by `&mut`: take it by value, as `mut name: Type`";
        return Err(syn::Error::new(mutability.span(), error));
    }
    if let Some(lifetime) = &reference.lifetime {
        let error = "an argument lives only as long as its call: leave the lifetime out";
        return Err(syn::Error::new(lifetime.span(), error));
    }
    let inner = &*reference.elem;
    refuse_references(inner)?;
    let owned = match inner {
        Type::Path(path) if path.path.is_ident("str") => {
            syn::parse2(quote!(#core::__private::String))?
        }
        Type::Slice(slice) => {
            let item = &slice.elem;
            syn::parse2(quote!(#core::__private::Vec<#item>))?
        }
        Type::TraitObject(_) => {
            let error =
                "an argument needs one type that JSON is read into: name it instead of `dyn …`";
            return Err(syn::Error::new(inner.span(), error));
        }
        other => other.clone(),
    };
    Ok((owned, true, is_cx(inner)))
}

/// Nothing that is decoded can borrow: its text is gone before the function ends.
fn refuse_references(ty: &Type) -> syn::Result<()> {
    fn find(tokens: TokenStream) -> Option<Span> {
        tokens.into_iter().find_map(|token| match token {
            TokenTree::Punct(punct) if punct.as_char() == '&' => Some(punct.span()),
            TokenTree::Punct(punct) if punct.as_char() == '\'' => Some(punct.span()),
            TokenTree::Group(group) => find(group.stream()),
            _ => None,
        })
    }
    match find(ty.to_token_stream()) {
        Some(span) => {
            let error = "an argument cannot hold references: use an owned type, such as `String` for `&str`";
            Err(syn::Error::new(span, error))
        }
        None => Ok(()),
    }
}

fn is_cx(ty: &Type) -> bool {
    last_ident(ty).as_deref() == Some("Cx")
}

/// `String` of `std::string::String`; `None` for what is no path or has parameters.
fn last_ident(ty: &Type) -> Option<String> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    matches!(last.arguments, PathArguments::None).then(|| last.ident.to_string())
}

/// Whether a type is written as one of these generic ones, such as `Option<…>`.
pub(crate) fn is_generic(ty: &Type, names: &[&str]) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|last| {
        let one = |arguments: &PathArguments| {
            matches!(arguments, PathArguments::AngleBracketed(list)
                if matches!(list.args.first(), Some(GenericArgument::Type(_))))
        };
        names.iter().any(|name| last.ident == name) && one(&last.arguments)
    })
}

/// What `#[arg(…)]` says.
#[derive(Default)]
struct ArgOptions {
    default: Option<self::Default>,
    description: Option<Expr>,
    rename: Option<LitStr>,
    complete: Option<Complete>,
    unscreened: Option<Span>,
    flatten: bool,
}

impl ArgOptions {
    fn parse(kind: Kind, attrs: &[Attribute]) -> syn::Result<Self> {
        let mut options = Self::default();
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("arg")) {
            attr.parse_args_with(|input: syn::parse::ParseStream<'_>| {
                while !input.is_empty() {
                    let option = input.call(syn::Ident::parse_any)?;
                    options.option(kind, &option, input)?;
                    comma(input)?;
                }
                Ok(())
            })?;
        }
        Ok(options)
    }

    fn option(
        &mut self,
        kind: Kind,
        option: &syn::Ident,
        input: syn::parse::ParseStream<'_>,
    ) -> syn::Result<()> {
        let wrong = |error: &str| Err(syn::Error::new(option.span(), error));
        match option.to_string().as_str() {
            "default" if input.peek(Token![=]) => {
                self.default = Some(self::Default::Expr(value(input)?));
            }
            "default" => self.default = Some(self::Default::OfType),
            "description" => self.description = Some(value(input)?),
            "rename" => self.rename = Some(value(input)?),
            "complete" | "completer" if kind == Kind::Tool => {
                return wrong(
                    "the protocol completes only prompts' and resource templates' arguments: leave this out",
                );
            }
            "complete" => {
                let expr: Expr = value(input)?;
                let is_list = matches!(expr, Expr::Array(_));
                self.complete = Some(if is_list {
                    Complete::Values(expr)
                } else {
                    Complete::Function(expr)
                });
            }
            "completer" => self.complete = Some(Complete::Completer(value(input)?)),
            "unscreened" if kind != Kind::Resource => {
                return wrong(
                    "only the variables of resource templates are screened: leave this out",
                );
            }
            "unscreened" => self.unscreened = Some(option.span()),
            "flatten" if kind == Kind::Resource => {
                return wrong(
                    "a template's variables are parameters one by one: leave `flatten` out",
                );
            }
            "flatten" => self.flatten = true,
            other => {
                return wrong(&format!(
                    "`{other}` is no option of `#[arg]`: these are `default`, `description`, `rename`, `flatten`, and \
                     for prompts and resource templates `complete`, `completer`, `unscreened`"
                ));
            }
        }
        Ok(())
    }
}

/// Several errors, shown all at once.
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    pub(crate) fn add(&mut self, span: Span, message: &str) {
        self.push(syn::Error::new(span, message));
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            none => *none = Some(error),
        }
    }

    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(crate) fn finish(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// Takes our attributes off, so that what is left compiles by itself.
pub(crate) fn strip(inputs: &mut Punctuated<FnArg, Token![,]>) {
    for input in inputs {
        if let FnArg::Typed(typed) = input {
            typed
                .attrs
                .retain(|attr| !docs::is_doc(attr) && !attr.path().is_ident("arg"));
        }
    }
}
