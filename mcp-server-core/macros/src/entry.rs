//! The expression that makes a component's entry out of a function.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Attribute, ReturnType, Signature, spanned::Spanned};

use crate::{
    docs,
    options::{Kind, Options, OutputSchema, Timeout},
    params::{Complete, Errors, Param, Role, is_generic},
    template::{self, Variable},
};

/// A function that becomes a component.
pub(crate) struct Component<'a> {
    pub(crate) kind: Kind,
    pub(crate) options: &'a Options,
    pub(crate) attrs: &'a [Attribute],
    pub(crate) signature: &'a Signature,
    pub(crate) params: &'a [Param],
    pub(crate) core: &'a TokenStream,
    /// What is called, with an opening for the receiver.
    pub(crate) function: TokenStream,
    pub(crate) receiver: Option<TokenStream>,
    /// What each future keeps of what the handler has captured.
    pub(crate) capture: TokenStream,
}

impl Component<'_> {
    /// The entry, without anything that would depend on where it is put.
    pub(crate) fn entry(&self) -> syn::Result<TokenStream> {
        let (core, name) = (self.core, self.name());
        let mut errors = Errors::default();
        self.check(&mut errors);
        let (new, own) = match self.kind {
            Kind::Tool => (quote!(#core::ToolEntry::new(#name)), self.tool_settings()),
            Kind::Prompt => (
                quote!(#core::PromptEntry::new(#name)),
                self.prompt_settings(),
            ),
            Kind::Resource => {
                let uri = &self.options.uri;
                errors.keep(self.check_template());
                (
                    quote!(#core::ResourceEntry::new(#uri, #name)),
                    self.resource_settings(),
                )
            }
        };
        errors.finish()?;
        let (shared, completers, run) = (self.shared_settings(), self.completers(), self.run());
        Ok(quote!(#new #shared #own #completers #run))
    }

    fn name(&self) -> TokenStream {
        match &self.options.name {
            Some(name) => quote!(#name),
            None => {
                let name = syn::ext::IdentExt::unraw(&self.signature.ident).to_string();
                quote!(#name)
            }
        }
    }

    fn check(&self, errors: &mut Errors) {
        if let (Some(quick), Some(_)) = (self.options.quick, self.signature.asyncness) {
            errors.add(
                quick,
                "an async function never blocks its thread: leave `quick` out",
            );
        }
        if self.kind == Kind::Tool
            || self
                .options
                .uri
                .as_ref()
                .is_some_and(|uri| uri.value().contains('{'))
        {
            return;
        }
        for param in self
            .params
            .iter()
            .filter(|param| self.kind == Kind::Resource && param.unscreened.is_some())
        {
            errors.add(
                param.span,
                "only the variables of resource templates are screened: leave `unscreened` out",
            );
        }
    }

    fn check_template(&self) -> syn::Result<()> {
        let Some(uri) = &self.options.uri else {
            return Ok(());
        };
        let variables = template::variables(&uri.value())
            .map_err(|error| syn::Error::new(uri.span(), error))?;
        let mut errors = Errors::default();
        for variable in &variables {
            self.check_variable(variable, uri.span(), &mut errors);
        }
        for param in self
            .params
            .iter()
            .filter(|param| param.is_argument() && param.default.is_none())
        {
            let name = &param.name;
            if !variables.iter().any(|variable| variable.name == *name) {
                let message = format!(
                    "the URI has no variable `{name}`: add `{{{name}}}` or `{{?{name}}}` to it, or give the parameter a \
                     default"
                );
                errors.add(param.span, &message);
            }
        }
        errors.finish()
    }

    fn check_variable(&self, variable: &Variable, uri: Span, errors: &mut Errors) {
        let name = &variable.name;
        let Some(param) = self
            .params
            .iter()
            .find(|param| param.is_argument() && param.name == *name)
        else {
            let ty = if variable.required {
                "String"
            } else {
                "Option<String>"
            };
            errors.add(
                uri,
                &format!(
                    "the variable `{name}` has no parameter: add `{name}: {ty}` to the function"
                ),
            );
            return;
        };
        let optional = param.default.is_some() || is_generic(&param.ty, &["Option", "Vec"]);
        if !variable.required && !optional {
            let message = format!(
                "a URI need not have the query parameter `{name}`: take an `Option`, or give it a default with \
                 `#[arg(default = …)]`"
            );
            errors.add(param.ty.span(), &message);
        }
    }

    fn shared_settings(&self) -> TokenStream {
        let (core, options) = (self.core, self.options);
        let title = options.title.as_ref().map(|title| quote!(.title(#title)));
        let summary = docs::summary(self.attrs);
        let description = match &options.description {
            Some(description) => Some(quote!(.description(#description))),
            None => (!summary.is_empty()).then(|| quote!(.description(#summary))),
        };
        let tags = &options.tags;
        let icons = &options.icons;
        let meta = options
            .meta
            .iter()
            .map(|(key, value)| quote!(.meta(#key, #core::__private::json(&#value))));
        let timeout = options.timeout.as_ref().map(|timeout| match timeout {
            Timeout::Millis(millis) => {
                quote!(.timeout(::core::time::Duration::from_millis(#millis)))
            }
            Timeout::Duration(duration) => quote!(.timeout(#duration)),
        });
        let quick = options.quick.map(|span| quote_spanned!(span=> .quick()));
        let disabled = options.disabled.then(|| quote!(.disabled()));
        quote! {
            #title #description #(.tag(#tags))* #(.icon(#core::mcp_proto::types::Icon::new(#icons)))* #(#meta)*
            #timeout #quick #disabled
        }
    }

    fn tool_settings(&self) -> TokenStream {
        let core = self.core;
        let annotations = (!self.options.hints.is_empty()).then(|| {
            let hints = self
                .options
                .hints
                .iter()
                .map(|(setter, hint)| quote!(.#setter(#hint)));
            quote!(.annotations(#core::mcp_proto::types::ToolAnnotations::new() #(#hints)*))
        });
        let output = self
            .options
            .output_schema
            .as_ref()
            .map(|schema| match schema {
                OutputSchema::None => quote!(.without_output_schema()),
                OutputSchema::Json(schema) => {
                    quote!(.output_schema(::core::convert::Into::into(#schema)))
                }
            });
        let arguments: Vec<_> = self.arguments().collect();
        let all = self.params.iter().any(|param| param.role == Role::All);
        let input = (!arguments.is_empty() && !all).then(|| {
            let members = arguments.into_iter().map(|param| self.member(param));
            quote! {
                .input_schema({
                    let mut __schema = #core::schema::ObjectSchema::new();
                    #(#members)*
                    __schema.finish()
                })
            }
        });
        let task = self
            .options
            .task
            .as_ref()
            .map(|support| quote!(.task(#core::mcp_proto::types::TaskSupport::#support)));
        let detaches = self.options.detaches.then(|| quote!(.detaches()));
        quote!(#annotations #output #task #detaches #input)
    }

    /// Adds a parameter to a tool's input schema.
    fn member(&self, param: &Param) -> TokenStream {
        let Param {
            name,
            ty,
            description,
            ..
        } = param;
        let (core, required) = (self.core, self.required(param));
        let member =
            quote_spanned!(ty.span()=> __schema.member::<#ty>(#name, #description, #required););
        let default = param.default_value().map(|default| {
            quote! {
                {
                    #[allow(unused_imports)]
                    use #core::__private::{UnknownDefault as _, WrittenDefault as _};
                    let __default: #ty = #default;
                    if let ::core::option::Option::Some(__json) = (&#core::__private::DefaultOf(&__default)).json() {
                        __schema.keyword("default", &__json);
                    }
                }
            }
        });
        quote!(#member #default)
    }

    fn required(&self, param: &Param) -> TokenStream {
        let (core, ty) = (self.core, &param.ty);
        match param.default {
            Some(_) => quote!(false),
            None => quote_spanned!(ty.span()=> !#core::arguments::may_be_absent::<#ty>()),
        }
    }

    fn prompt_settings(&self) -> TokenStream {
        let arguments = self.arguments().map(|param| {
            let Param {
                name,
                ty,
                description,
                ..
            } = param;
            let required = self.required(param);
            quote_spanned!(ty.span()=> .typed_argument::<#ty>(#name, #description, #required))
        });
        quote!(#(#arguments)*)
    }

    fn resource_settings(&self) -> TokenStream {
        let mime = self
            .options
            .mime
            .as_ref()
            .map(|mime| quote!(.mime_type(#mime)));
        let unscreened = self
            .arguments()
            .filter(|param| param.unscreened.is_some())
            .map(|param| &param.name);
        quote!(#mime #(.unscreened(#unscreened))*)
    }

    fn completers(&self) -> TokenStream {
        let core = self.core;
        let completers = self.arguments().filter_map(|param| {
            let name = &param.name;
            let completer = match param.complete.as_ref()? {
                Complete::Values(values) => quote!(#core::Completer::of(#values)),
                Complete::Function(function) => quote!(#core::Completer::new(#function)),
                Complete::Completer(completer) => quote!(#completer),
            };
            Some(quote!(.complete(#name, #completer)))
        });
        quote!(#(#completers)*)
    }

    fn arguments(&self) -> impl Iterator<Item = &Param> {
        self.params.iter().filter(|param| param.is_argument())
    }

    /// `.run(…)` and its like, with the handler.
    fn run(&self) -> TokenStream {
        let core = self.core;
        let returns = match &self.signature.output {
            ReturnType::Default => self.signature.ident.span(),
            ReturnType::Type(_, ty) => ty.span(),
        };
        let is_async = self.signature.asyncness.is_some();
        let cx = if is_async {
            quote!(__cx: #core::Cx)
        } else {
            quote!(__cx: &#core::Cx)
        };
        let (input, read) = match self.params.iter().find(|param| param.role == Role::All) {
            Some(all) => {
                let ty = &all.ty;
                (quote!(__all: #ty), TokenStream::new())
            }
            None => {
                let input = format_ident!("{}Input", pascal(self.kind));
                (quote!(__input: #core::#input), self.read())
            }
        };
        let call = self.call(is_async);
        let ok = quote!(::core::result::Result::<_, #core::ToolError>::Ok);
        let typed = self.params.iter().any(|param| param.role == Role::All);
        let method = match (typed, is_async) {
            (false, false) => quote_spanned!(returns=> .run),
            (false, true) => quote_spanned!(returns=> .run_async),
            (true, false) => quote_spanned!(returns=> .typed),
            (true, true) => quote_spanned!(returns=> .typed_async),
        };
        let capture = &self.capture;
        if is_async {
            return quote!(#method(move |#input, #cx| { #capture async move { #read #ok(#call) } }));
        }
        quote!(#method(move |#input, #cx| { #read #ok(#call) }))
    }

    /// Reads the arguments into `__arg0`, `__arg1`, …
    fn read(&self) -> TokenStream {
        let core = self.core;
        let (given, error) = match self.kind {
            Kind::Tool => (
                quote!(
                    ToolArguments::read(__NAMES, __input.arguments.as_ref()).strict(__input.strict)
                ),
                quote!(into_tool_error),
            ),
            Kind::Prompt => (
                quote!(PromptArguments::read(__NAMES, &__input.arguments)),
                quote!(into_invalid_params),
            ),
            Kind::Resource => (
                quote!(TemplateArguments::read(__NAMES, &__input.variables)),
                quote!(into_invalid_params),
            ),
        };
        let names: Vec<_> = self.arguments().map(|param| &param.name).collect();
        let count = names.len();
        let places: Vec<_> = (0..count)
            .map(|index| format_ident!("__arg{index}"))
            .collect();
        let reads = self.arguments().enumerate().map(|(index, param)| {
            let (ty, place) = (&param.ty, &places[index]);
            let optional_list = self.kind == Kind::Resource && is_generic(ty, &["Vec"]);
            let default = param.default_value();
            let default = default.or_else(|| optional_list.then(|| quote!(::core::default::Default::default())));
            match default {
                Some(default) => quote_spanned! {ty.span()=>
                    let #place: ::core::option::Option<#ty> = __given.get_or(#index, || -> #ty { #default });
                },
                None => quote_spanned!(ty.span()=> let #place: ::core::option::Option<#ty> = __given.get(#index);),
            }
        });
        let values = (count > 0).then(|| {
            quote! {
                let (#(::core::option::Option::Some(#places),)*) = (#(#places,)*) else {
                    return ::core::result::Result::Err(#core::__private::unread());
                };
            }
        });
        let mutable = (count > 0).then(|| quote!(mut));
        quote! {
            const __NAMES: &[&str; #count] = &[#(#names),*];
            let #mutable __given = #core::arguments::#given;
            #(#reads)*
            if let ::core::result::Result::Err(__problems) = __given.finish() {
                return ::core::result::Result::Err(__problems.#error());
            }
            #values
        }
    }

    /// Calls the function with what was read.
    fn call(&self, is_async: bool) -> TokenStream {
        let mut index = 0;
        let arguments = self.params.iter().map(|param| match param.role {
            Role::Cx if is_async == param.by_ref => {
                if is_async {
                    quote!(&__cx)
                } else {
                    quote!(::core::clone::Clone::clone(__cx))
                }
            }
            Role::Cx => quote!(__cx),
            Role::All if param.by_ref => quote!(&__all),
            Role::All => quote!(__all),
            Role::Argument => {
                let place = format_ident!("__arg{index}");
                index += 1;
                if param.by_ref {
                    quote!(&#place)
                } else {
                    quote!(#place)
                }
            }
        });
        let (function, receiver) = (&self.function, self.receiver.iter());
        let call = quote!(#function(#(#receiver,)* #(#arguments),*));
        if is_async { quote!(#call.await) } else { call }
    }
}

fn pascal(kind: Kind) -> &'static str {
    match kind {
        Kind::Tool => "Tool",
        Kind::Resource => "Resource",
        Kind::Prompt => "Prompt",
    }
}
