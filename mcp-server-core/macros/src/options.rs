//! What stands in the parentheses of an attribute.

use proc_macro2::{Span, TokenStream};
use syn::{
    Expr, ExprLit, Ident, Lit, LitBool, LitStr, Path, Token,
    ext::IdentExt,
    parenthesized,
    parse::{Parse, ParseStream, Parser},
    punctuated::Punctuated,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Tool,
    Resource,
    Prompt,
}

impl Kind {
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let last = path.segments.last()?;
        [Self::Tool, Self::Resource, Self::Prompt]
            .into_iter()
            .find(|kind| last.ident == kind.name())
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Resource => "resource",
            Self::Prompt => "prompt",
        }
    }

    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Tool => &[
                "name",
                "title",
                "description",
                "tags",
                "icon",
                "meta",
                "timeout",
                "quick",
                "disabled",
                "crate",
                "read_only",
                "destructive",
                "idempotent",
                "open_world",
                "output_schema",
                "task",
                "detaches",
            ],
            Self::Resource => &[
                "name",
                "title",
                "description",
                "tags",
                "icon",
                "meta",
                "timeout",
                "quick",
                "disabled",
                "crate",
                "mime",
            ],
            Self::Prompt => &[
                "name",
                "title",
                "description",
                "tags",
                "icon",
                "meta",
                "timeout",
                "quick",
                "disabled",
                "crate",
            ],
        }
    }
}

/// The options of `#[tool]`, `#[resource]` and `#[prompt]`.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) uri: Option<LitStr>,
    pub(crate) core: Option<Path>,
    pub(crate) name: Option<Expr>,
    pub(crate) title: Option<Expr>,
    pub(crate) description: Option<Expr>,
    pub(crate) mime: Option<Expr>,
    pub(crate) tags: Vec<Expr>,
    pub(crate) icons: Vec<Expr>,
    pub(crate) meta: Vec<(LitStr, Expr)>,
    pub(crate) timeout: Option<Timeout>,
    pub(crate) quick: Option<Span>,
    pub(crate) disabled: bool,
    /// `read_only` and its kind, each with the name of the method that says it.
    pub(crate) hints: Vec<(Ident, Expr)>,
    pub(crate) output_schema: Option<OutputSchema>,
    /// The name of the `TaskSupport` variant.
    pub(crate) task: Option<Ident>,
    pub(crate) detaches: bool,
}

pub(crate) enum OutputSchema {
    None,
    Json(Expr),
}

pub(crate) enum Timeout {
    Millis(u64),
    Duration(Expr),
}

impl Options {
    pub(crate) fn parse(kind: Kind, attribute: TokenStream) -> syn::Result<Self> {
        let parser = |input: ParseStream<'_>| {
            let mut options = Self::default();
            if kind == Kind::Resource {
                options.uri = Some(uri(input)?);
            }
            let mut seen: Vec<String> = Vec::new();
            while !input.is_empty() {
                if input.peek(LitStr) && kind != Kind::Resource {
                    return Err(input.error(format!(
                        "name it by an option: `#[{}(name = …)]`",
                        kind.name()
                    )));
                }
                let option = input.call(Ident::parse_any)?;
                let name = option.unraw().to_string();
                if !kind.options().contains(&&*name) {
                    let known = kind.options().join("`, `");
                    let error = format!(
                        "`{name}` is no option of `#[{}]`: these are `{known}`",
                        kind.name()
                    );
                    return Err(syn::Error::new(option.span(), error));
                }
                let repeats = ["icon", "meta", "tags"].contains(&&*name);
                if seen.contains(&name) && !repeats {
                    return Err(syn::Error::new(
                        option.span(),
                        format!("`{name}` is said twice: leave one out"),
                    ));
                }
                options.option(&option, &name, input)?;
                seen.push(name);
                comma(input)?;
            }
            Ok(options)
        };
        parser.parse2(attribute)
    }

    fn option(&mut self, option: &Ident, name: &str, input: ParseStream<'_>) -> syn::Result<()> {
        match name {
            "name" => self.name = Some(value(input)?),
            "title" => self.title = Some(value(input)?),
            "description" => self.description = Some(value(input)?),
            "mime" => self.mime = Some(value(input)?),
            "icon" => self.icons.push(value(input)?),
            "crate" => {
                input.parse::<Token![=]>()?;
                self.core = Some(input.call(Path::parse_mod_style)?);
            }
            "timeout" => self.timeout = Some(Timeout::of(value(input)?)?),
            "quick" => self.quick = Some(option.span()),
            "disabled" => self.disabled = true,
            "detaches" => self.detaches = true,
            "task" => self.task = Some(task_support(&value(input)?)?),
            "output_schema" => {
                let schema: Expr = value(input)?;
                let none = matches!(&schema, Expr::Path(path) if path.path.is_ident("none"));
                self.output_schema = Some(if none {
                    OutputSchema::None
                } else {
                    OutputSchema::Json(schema)
                });
            }
            "tags" => {
                let content;
                parenthesized!(content in input);
                self.tags
                    .extend(Punctuated::<Expr, Token![,]>::parse_terminated(&content)?);
            }
            "meta" => {
                let content;
                parenthesized!(content in input);
                while !content.is_empty() {
                    let key = content.parse()?;
                    self.meta.push((key, value(&content)?));
                    comma(&content)?;
                }
            }
            // What is left are the hints, with or without a value.
            _ => {
                let setter = Ident::new(&format!("with_{name}"), option.span());
                let hint = if input.peek(Token![=]) {
                    value(input)?
                } else {
                    boolean(LitBool::new(true, option.span()))
                };
                self.hints.push((setter, hint));
            }
        }
        Ok(())
    }
}

fn task_support(value: &LitStr) -> syn::Result<Ident> {
    let variant = match &*value.value() {
        "optional" => "Optional",
        "required" => "Required",
        "forbidden" => "Forbidden",
        _ => {
            let error = "say whether calls may become tasks: `\"optional\"`, `\"required\"` or `\"forbidden\"`";
            return Err(syn::Error::new(value.span(), error));
        }
    };
    Ok(Ident::new(variant, value.span()))
}

fn boolean(value: LitBool) -> Expr {
    Expr::Lit(ExprLit {
        attrs: Vec::new(),
        lit: Lit::Bool(value),
    })
}

fn uri(input: ParseStream<'_>) -> syn::Result<LitStr> {
    let Ok(uri) = input.parse::<LitStr>() else {
        return Err(syn::Error::new(
            input.span(),
            "say the URI first: `#[resource(\"data://…\")]`",
        ));
    };
    comma(input)?;
    Ok(uri)
}

pub(crate) fn value<T: Parse>(input: ParseStream<'_>) -> syn::Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

pub(crate) fn comma(input: ParseStream<'_>) -> syn::Result<()> {
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    Ok(())
}

impl Timeout {
    fn of(value: Expr) -> syn::Result<Self> {
        let Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) = &value
        else {
            return Ok(Self::Duration(value));
        };
        millis(&text.value()).map(Self::Millis).ok_or_else(|| {
            let error = "this is no time: write a number and a unit, such as `\"500ms\"`, `\"5s\"`, `\"2m\"` or `\"1h\"`";
            syn::Error::new(text.span(), error)
        })
    }
}

fn millis(text: &str) -> Option<u64> {
    let text = text.trim();
    let unit = text.find(|letter: char| !letter.is_ascii_digit())?;
    let number: u64 = text[..unit].parse().ok()?;
    let factor = match text[unit..].trim() {
        "ms" => 1,
        "s" => 1000,
        "m" | "min" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        _ => return None,
    };
    number.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(millis("500ms"), Some(500));
        assert_eq!(millis("5 s"), Some(5000));
        assert_eq!(millis("2m"), Some(120_000));
        assert_eq!(millis("1h"), Some(3_600_000));
        for wrong in [
            "",
            "5",
            "s",
            "-1s",
            "1.5s",
            "5 days",
            "99999999999999999999s",
            "18446744073709551615h",
        ] {
            assert_eq!(millis(wrong), None, "{wrong}");
        }
    }
}
