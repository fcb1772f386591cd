//! The page that a person sees who opens the server's address in a browser.
//!
//! One file, nothing loaded from elsewhere, no script: what the server offers, and how a client
//! is told about it. Every text of the server's author is escaped.

use alloc::{borrow::Cow, format, string::String, vec::Vec};

use http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts};
use mcp_proto::{encode::write_str, http::mirror};

use super::options::HttpOptions;
use crate::service::Service;

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--soft:#8882;--accent:#3b6ef6}\
body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:0 auto;padding:3rem 1rem}\
html{border-top:.3rem solid var(--accent)}\
h1{margin:0}h2{margin:2.2rem 0 .6rem;font-size:1.15rem}\
h2 small{font-weight:400;opacity:.6;margin-left:.3rem}\
p.sub{margin:.25rem 0 1.5rem;opacity:.7}\
#address{border-left:.25rem solid var(--accent);font-weight:600;user-select:all}\
pre,code{font:14px/1.45 ui-monospace,monospace;background:var(--soft);border-radius:.4rem}\
code{padding:.1rem .35rem}pre{padding:.75rem 1rem;overflow-x:auto}\
dl{margin:0;border-top:1px solid var(--line)}\
dl>div{padding:.6rem 0;border-bottom:1px solid var(--line)}\
dd{margin:.2rem 0 0;opacity:.8;white-space:pre-line}";

/// Without one of its own, a browser asks for `/favicon.ico` and complains that there is none.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E\
%3Crect width='16' height='16' rx='4' fill='%233b6ef6'/%3E\
%3Cpath d='M4 8h8M8 4v8' stroke='white' stroke-width='2' stroke-linecap='round'/%3E%3C/svg%3E";

/// The page's headers besides its type.
pub(super) fn set_headers(headers: &mut HeaderMap) {
    let pairs: [(HeaderName, &str); 4] = [
        // Nothing may be loaded or run, whatever a description contains.
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in pairs {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

pub(super) const CONTENT_TYPE: &str = "text/html; charset=utf-8";

/// Writes the page.
pub(super) fn write<H>(
    out: &mut Vec<u8>,
    service: &Service<H>,
    options: &HttpOptions,
    head: &Parts,
) {
    let info = service.info();
    let title = escape(info.title.as_deref().unwrap_or(&info.name));
    let version = escape(&info.version);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <title>{title} · MCP server</title>\n<link rel=\"icon\" href=\"{ICON}\">\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>{title}</h1>\n<p class=\"sub\">A Model Context Protocol server · version {version}</p>\n"
    );
    if let Some(description) = &info.description {
        page.push_str(&format!("<p>{}</p>\n", escape(description)));
    }
    connect(&mut page, &info.name, &address(head, options));
    if let Some(instructions) = service.instructions() {
        page.push_str(&format!(
            "<h2>Instructions for the model</h2>\n<pre>{}</pre>\n",
            escape(instructions)
        ));
    }
    let tools = service.tools().map(|tool| tool.definition());
    list(
        &mut page,
        "Tools",
        tools.map(|tool| {
            (
                &*tool.name,
                tool.title.as_deref(),
                tool.description.as_deref(),
            )
        }),
    );
    let resources = service.resources().map(|resource| resource.definition());
    let templates = service.templates().map(|template| template.definition());
    list(
        &mut page,
        "Resources",
        resources
            .map(|it| {
                (
                    &*it.uri,
                    it.title.as_deref().or(Some(&*it.name)),
                    it.description.as_deref(),
                )
            })
            .chain(templates.map(|it| {
                (
                    &*it.uri_template,
                    it.title.as_deref().or(Some(&*it.name)),
                    it.description.as_deref(),
                )
            })),
    );
    let prompts = service.prompts().map(|prompt| prompt.definition());
    list(
        &mut page,
        "Prompts",
        prompts.map(|it| (&*it.name, it.title.as_deref(), it.description.as_deref())),
    );
    page.push_str("</body>\n</html>\n");
    out.extend_from_slice(page.as_bytes());
}

fn connect(page: &mut String, name: &str, address: &str) {
    let mut quoted = (Vec::new(), Vec::new());
    write_str(&mut quoted.0, name);
    write_str(&mut quoted.1, address);
    let (json_name, json_address) = (
        String::from_utf8_lossy(&quoted.0),
        String::from_utf8_lossy(&quoted.1),
    );
    let config = format!(
        "{{\n  \"mcpServers\": {{\n    {json_name}: {{ \"type\": \"http\", \"url\": {json_address} }}\n  }}\n}}"
    );
    page.push_str(&format!(
        "<h2>Connect</h2>\n<p>Give this address to an MCP client that speaks Streamable HTTP:</p>\n\
         <pre id=\"address\">{}</pre>\n<p>or put this into its configuration:</p>\n<pre id=\"config\">{}</pre>\n",
        escape(address),
        escape(&config)
    ));
}

fn list<'a>(
    page: &mut String,
    heading: &str,
    items: impl Iterator<Item = (&'a str, Option<&'a str>, Option<&'a str>)>,
) {
    let items: Vec<_> = items.collect();
    if items.is_empty() {
        return;
    }
    let count = items.len();
    page.push_str(&format!("<h2>{heading}<small>{count}</small></h2>\n<dl>\n"));
    for (name, title, description) in items {
        page.push_str(&format!("<div><dt><code>{}</code>", escape(name)));
        if let Some(title) = title.filter(|title| *title != name) {
            page.push_str(&format!(" {}", escape(title)));
        }
        page.push_str("</dt>");
        if let Some(description) = description {
            page.push_str(&format!("<dd>{}</dd>", escape(description)));
        }
        page.push_str("</div>\n");
    }
    page.push_str("</dl>\n");
}

// The endpoint's address as the browser knows it. A proxy that ends TLS says so.
fn address(head: &Parts, options: &HttpOptions) -> String {
    let host = head.uri.authority().map(http::uri::Authority::as_str);
    let text = |name: &HeaderName| {
        mirror::single(&head.headers, name)
            .ok()
            .flatten()?
            .to_str()
            .ok()
    };
    let host = host.or_else(|| text(&header::HOST)).unwrap_or("localhost");
    let forwarded = text(&HeaderName::from_static("x-forwarded-proto"));
    let secure =
        forwarded == Some("https") || forwarded.is_none() && head.uri.scheme_str() == Some("https");
    let scheme = if secure { "https" } else { "http" };
    let path = options.endpoint_path().unwrap_or(head.uri.path());
    format!("{scheme}://{host}{path}")
}

fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            character => out.push(character),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;
    use mcp_proto::types::{Implementation, Prompt, Resource, Tool};

    fn page(uri: &str, headers: &[(&str, &str)], options: &HttpOptions) -> String {
        let mut info = Implementation::new("calc\"", "1.2.3");
        info.title = Some("Calculator <&>".into());
        let mut tool = Tool::new("add", mcp_proto::json::Json::empty_object());
        tool.description = Some("Adds <b>two</b> numbers".into());
        let service: Service<()> = Service::builder(info)
            .tool(tool, ())
            .resource(Resource::new("file:///a", "a'"), ())
            .prompt(Prompt::new("explain"), ())
            .build()
            .unwrap();
        let mut request = Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let head = request.body(()).unwrap().into_parts().0;
        let mut out = Vec::new();
        write(&mut out, &service, options, &head);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn everything_offered_is_shown_and_escaped() {
        let page = page(
            "/",
            &[("host", "localhost:8080")],
            &HttpOptions::listening(true),
        );
        for part in [
            "<h1>Calculator &lt;&amp;&gt;</h1>",
            "version 1.2.3",
            "<pre id=\"address\">http://localhost:8080/mcp</pre>",
            "&quot;calc\\&quot;&quot;: { &quot;type&quot;: &quot;http&quot;, &quot;url&quot;: &quot;http://localhost:8080/mcp&quot; }",
            "<code>add</code></dt><dd>Adds &lt;b&gt;two&lt;/b&gt; numbers</dd>",
            "<code>file:///a</code> a&#39;</dt>",
            "<code>explain</code></dt>",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert!(!page.contains("<b>"));
        // It runs nothing, and loads nothing but what it holds itself.
        assert!(!page.contains("<script") && !page.contains(" src=") && !page.contains("url("));
        let links = page.split("href=\"").skip(1);
        assert!(links.into_iter().all(|link| link.starts_with("data:")));
        let mut headers = HeaderMap::new();
        set_headers(&mut headers);
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("script"));
    }

    #[test]
    fn the_address_is_the_one_the_browser_used() {
        let listening = HttpOptions::listening(false).endpoint("/v1");
        let mounted = HttpOptions::mounted();
        for (uri, headers, options, address) in [
            (
                "/",
                &[("host", "a.example")][..],
                &listening,
                "http://a.example/v1",
            ),
            (
                "/",
                &[("host", "a.example"), ("x-forwarded-proto", "https")],
                &listening,
                "https://a.example/v1",
            ),
            (
                "https://b.example/mcp",
                &[],
                &mounted,
                "https://b.example/mcp",
            ),
            (
                "/tools",
                &[("host", "a.example:1")],
                &mounted,
                "http://a.example:1/tools",
            ),
        ] {
            let page = page(uri, headers, options);
            assert!(
                page.contains(&format!("<pre id=\"address\">{address}</pre>")),
                "{uri} {address}"
            );
        }
    }
}
