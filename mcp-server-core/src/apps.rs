//! MCP Apps: pages that a client shows beside a tool's results (extension
//! `io.modelcontextprotocol/ui`).

use alloc::{borrow::Cow, format, string::String, vec::Vec};

use mcp_proto::{
    json::Json,
    types::{ResourceTemplate, Tool},
};
use serde::Serialize;

use crate::{cx::Cx, error::BuildError, extension::Extension, service::Service};

/// The extension's identifier.
pub const EXTENSION: &str = "io.modelcontextprotocol/ui";
/// The media type of an app's page.
pub const MIME_TYPE: &str = "text/html;profile=mcp-app";
/// The key of `_meta` that tools and resources say it under.
pub(crate) const META_KEY: &str = "ui";
/// What clients read that are older than the extension's first release.
pub(crate) const OLD_META_KEY: &str = "ui/resourceUri";

/// The extension, for [`ServerBuilder::extension`](crate::ServerBuilder::extension): declares it,
/// and keeps what results say of it from clients that do not.
///
/// A tool says by which page it is [shown](crate::ToolEntry::shown), and a resource at a `ui://` URI
/// that it [is one](crate::ResourceEntry::app). That both fit together is checked when the server
/// is built: the page is there, and of the type that clients show; the origins that it names are
/// origins.
///
/// Lists say the same to every client, as they must from 2026-07-28 on: one that knows no apps
/// passes over what they say of them. What a tool returns must therefore mean something without its
/// app; [`Cx::shows_apps`] tells where there is one.
///
/// ```
/// use mcp_server_core::{ResourceEntry, Server, ToolEntry, apps::{self, Page, Shown}};
///
/// let page = ResourceEntry::new("ui://clock/face", "face")
///     .app(&Page::new().connects_to("https://time.example"))
///     .run(|_, _| "<!doctype html>…");
/// let tool = ToolEntry::new("time")
///     .shown(&Shown::by("ui://clock/face"))
///     .run(|_, cx| if cx.shows_apps() { "see the clock" } else { "it is noon" });
/// let server = Server::builder("clock", "1.0.0")
///     .extension(apps::extension())
///     .resource(page)
///     .tool(tool)
///     .build()
///     .unwrap();
/// # drop(server);
/// ```
pub fn extension<H>() -> Extension<H> {
    Extension::new(EXTENSION).meta_key(META_KEY)
}

/// How a tool is shown: its `_meta.ui`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Shown {
    /// The page, a `ui://` resource; none for a tool that only apps call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_uri: Option<String>,
    /// Who may call the tool; both where it is empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub visibility: Vec<Visibility>,
}

/// Who may call a tool. The client sees to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Visibility {
    /// The model.
    Model,
    /// The app.
    App,
}

impl Shown {
    /// By the page at this URI, which begins with `ui://`.
    #[must_use]
    pub fn by(resource_uri: impl Into<String>) -> Self {
        Self {
            resource_uri: Some(resource_uri.into()),
            visibility: Vec::new(),
        }
    }

    /// Not at all, and to the model neither: for what an app's page does.
    #[must_use]
    pub fn to_apps_only() -> Self {
        Self {
            resource_uri: None,
            visibility: Vec::from([Visibility::App]),
        }
    }

    /// Says who may call the tool.
    #[must_use]
    pub fn visible_to(mut self, whom: impl IntoIterator<Item = Visibility>) -> Self {
        self.visibility = whom.into_iter().collect();
        self
    }

    pub(crate) fn json(&self) -> Json {
        // Strings can always be written.
        Json::new(self).unwrap_or_else(|_| Json::empty_object())
    }
}

/// What a page may do: its resource's `_meta.ui`. Nothing beyond itself by default.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Page {
    /// Where it may load things from and connect to.
    #[serde(skip_serializing_if = "Csp::is_empty")]
    pub csp: Csp,
    /// What of the device it may use.
    #[serde(skip_serializing_if = "Permissions::is_empty")]
    pub permissions: Permissions,
    /// The origin it would like to be served from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Whether it is to be framed; the client decides where it does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefers_border: Option<bool>,
}

/// Where a page may load things from and connect to, as origins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Csp {
    /// For requests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub connect_domains: Vec<String>,
    /// For pictures, scripts, styles and fonts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_domains: Vec<String>,
    /// For frames within.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub frame_domains: Vec<String>,
    /// For its base URI.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub base_uri_domains: Vec<String>,
}

impl Csp {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What of the device a page may use; each an empty object where it may.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Permissions {
    /// The camera.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub camera: Option<Json>,
    /// The microphone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub microphone: Option<Json>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geolocation: Option<Json>,
    /// Writing to the clipboard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clipboard_write: Option<Json>,
}

/// Something of the device that a page may ask for. Whether it gets it is up to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Device {
    /// The camera.
    Camera,
    /// The microphone.
    Microphone,
    /// Where it is.
    Geolocation,
    /// Writing to the clipboard.
    Clipboard,
}

impl Permissions {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Page {
    /// A page that stays by itself.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets it send requests to this origin, such as `https://api.example.com`.
    #[must_use]
    pub fn connects_to(mut self, origin: impl Into<String>) -> Self {
        self.csp.connect_domains.push(origin.into());
        self
    }

    /// Lets it load pictures, scripts, styles and fonts from this origin; of all its subdomains as
    /// `https://*.example.com`.
    #[must_use]
    pub fn loads_from(mut self, origin: impl Into<String>) -> Self {
        self.csp.resource_domains.push(origin.into());
        self
    }

    /// Lets it have frames of this origin within it.
    #[must_use]
    pub fn embeds(mut self, origin: impl Into<String>) -> Self {
        self.csp.frame_domains.push(origin.into());
        self
    }

    /// Asks for something of the device.
    #[must_use]
    pub fn uses(mut self, device: Device) -> Self {
        let granted = match device {
            Device::Camera => &mut self.permissions.camera,
            Device::Microphone => &mut self.permissions.microphone,
            Device::Geolocation => &mut self.permissions.geolocation,
            Device::Clipboard => &mut self.permissions.clipboard_write,
        };
        *granted = Some(Json::empty_object());
        self
    }

    /// Says which origin it would like to be served from, in the way of the client that it is for.
    #[must_use]
    pub fn served_from(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Says whether it is to be framed.
    #[must_use]
    pub fn with_border(mut self, prefers: bool) -> Self {
        self.prefers_border = Some(prefers);
        self
    }

    /// The first of its origins that is none.
    pub(crate) fn wrong_origin(&self) -> Option<&str> {
        let csp = &self.csp;
        let lists = [
            &csp.connect_domains,
            &csp.resource_domains,
            &csp.frame_domains,
            &csp.base_uri_domains,
        ];
        let all = lists.into_iter().flatten().map(String::as_str);
        all.into_iter().find(|origin| !is_origin(origin))
    }

    pub(crate) fn json(&self) -> Json {
        // Strings and flags can always be written.
        Json::new(self).unwrap_or_else(|_| Json::empty_object())
    }
}

/// A scheme, a host, perhaps a port. Clients copy it into a policy, in which a blank or a semicolon
/// would begin something else.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else {
        return false;
    };
    let in_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let in_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]*".contains(&byte);
    !scheme.is_empty()
        && scheme.bytes().all(in_scheme)
        && !host.is_empty()
        && host.bytes().all(in_host)
}

/// The URI of a page begins with its scheme.
pub(crate) fn check_uri(uri: &str) -> Result<(), BuildError> {
    match uri.starts_with("ui://") {
        true => Ok(()),
        false => Err(BuildError::Uri {
            uri: uri.into(),
            problem: "the page of an app begins with `ui://`",
        }),
    }
}

/// What is a page must be found as one, and must name nothing but origins.
pub(crate) fn check_page(page: &Page, entry: &ResourceTemplate) -> Result<(), BuildError> {
    let uri = &entry.uri_template;
    check_uri(uri)?;
    if entry.mime_type.as_deref() != Some(MIME_TYPE) {
        return Err(BuildError::Uri {
            uri: uri.clone(),
            problem: "the page of an app is of the type `text/html;profile=mcp-app`",
        });
    }
    match page.wrong_origin() {
        Some(wrong) => Err(BuildError::Other(format!(
            "the page `{uri}` names `{wrong}`, which is no origin, such as `https://example.com`"
        ))),
        None => Ok(()),
    }
}

/// The tools of a server are shown by pages that it has.
pub(crate) fn check_tools<H>(service: &Service<H>) -> Result<(), BuildError> {
    for tool in service.all_tools() {
        let Some(uri) = page_of(tool) else { continue };
        let problem = match service.mime_type_at(&uri) {
            None => "which no resource is: add one there with `.app(…)`",
            Some(Some(MIME_TYPE)) => continue,
            Some(_) => "which is no app's page: make it one with `.app(…)`",
        };
        let tool = &tool.name;
        return Err(BuildError::Other(format!(
            "the tool `{tool}` is shown by `{uri}`, {problem}"
        )));
    }
    Ok(())
}

/// The page that a tool says it is shown by.
fn page_of(tool: &Tool) -> Option<String> {
    let ui = tool.meta.as_ref()?.get(META_KEY)?;
    let uri = ui.as_raw().member("resourceUri")?;
    uri.text().map(Cow::into_owned)
}

impl Cx {
    /// What the client says of an extension beside its name; `None` where it does not declare it.
    #[must_use]
    pub fn extension(&self, id: &str) -> Option<&Json> {
        self.client_capabilities().extensions.get(id)
    }

    /// Whether the client shows apps.
    #[must_use]
    pub fn shows_apps(&self) -> bool {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Settings {
            mime_types: Vec<String>,
        }
        let settings = self.extension(EXTENSION);
        let settings = settings.and_then(|settings| settings.to::<Settings>().ok());
        settings.is_some_and(|settings| settings.mime_types.iter().any(|known| known == MIME_TYPE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ResourceEntry, ServerBuilder, ToolEntry};
    use alloc::string::ToString;
    use mcp_proto::{encode::Encode, types::Meta, version::ProtocolVersion};

    #[test]
    fn tools_and_pages_say_how_they_are_shown() {
        let page = Page::new()
            .connects_to("https://a.example")
            .loads_from("https://b.example")
            .with_border(false);
        let service = ServerBuilder::new("t", "1")
            .extension(extension())
            .tool(
                ToolEntry::new("time")
                    .shown(&Shown::by("ui://clock/face"))
                    .call(|| "noon"),
            )
            .tool(
                ToolEntry::new("wind")
                    .shown(&Shown::to_apps_only())
                    .call(|| "wound"),
            )
            .resource(
                ResourceEntry::new("ui://clock/face", "face")
                    .app(&page)
                    .run(|_, _| "<p>"),
            )
            .build_service()
            .unwrap();
        let ui = |meta: &Option<Meta>| {
            meta.as_ref()
                .unwrap()
                .get("ui")
                .unwrap()
                .as_str()
                .to_string()
        };
        let shown = |name| ui(&service.tool(name).unwrap().definition().meta);
        assert_eq!(shown("time"), r#"{"resourceUri":"ui://clock/face"}"#);
        assert_eq!(shown("wind"), r#"{"visibility":["app"]}"#);
        let page = service.resources().next().unwrap().definition();
        assert_eq!(page.mime_type.as_deref(), Some(MIME_TYPE));
        assert_eq!(
            ui(&page.meta),
            r#"{"csp":{"connectDomains":["https://a.example"],"resourceDomains":["https://b.example"]},"prefersBorder":false}"#
        );
        let mut declared = Vec::new();
        let version = ProtocolVersion::V2025_11_25;
        service.capabilities(version).encode(&mut declared, version);
        let declared = String::from_utf8(declared).unwrap();
        assert!(
            declared.contains(r#""extensions":{"io.modelcontextprotocol/ui":{}}"#),
            "{declared}"
        );
    }

    #[track_caller]
    fn refused(change: impl FnOnce(ServerBuilder) -> ServerBuilder, expected: &str) {
        let error = change(ServerBuilder::new("t", "1"))
            .build_service()
            .unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    fn shown(uri: &str) -> ToolEntry {
        ToolEntry::new("time")
            .shown(&Shown::by(uri))
            .call(|| "noon")
    }

    fn page(uri: &str, page: &Page) -> ResourceEntry {
        ResourceEntry::new(uri, "face").app(page).run(|_, _| "<p>")
    }

    #[test]
    fn a_page_that_is_no_app_is_a_build_error() {
        refused(
            |server| server.tool(shown("https://clock")),
            "`https://clock` cannot be a resource's URI: the page of an app begins with `ui://`",
        );
        refused(
            |server| server.resource(page("https://clock", &Page::new())),
            "`https://clock` cannot be a resource's URI: the page of an app begins with `ui://`",
        );
        refused(
            |server| server.tool(shown("ui://clock")),
            "the tool `time` is shown by `ui://clock`, which no resource is: add one there with `.app(…)`",
        );
        let plain = ResourceEntry::new("ui://clock", "face")
            .mime_type("text/html")
            .run(|_, _| "<p>");
        refused(
            |server| server.resource(plain).tool(shown("ui://clock")),
            "the tool `time` is shown by `ui://clock`, which is no app's page: make it one with `.app(…)`",
        );
        let late = ResourceEntry::new("ui://clock", "face")
            .app(&Page::new())
            .mime_type("text/html");
        refused(
            |server| server.resource(late.run(|_, _| "<p>")),
            "`ui://clock` cannot be a resource's URI: the page of an app is of the type `text/html;profile=mcp-app`",
        );
        // A template may be the page; and the order does not matter.
        for uri in ["ui://clock", "ui://{face}"] {
            let server = ServerBuilder::new("t", "1").tool(shown("ui://clock"));
            server
                .resource(page(uri, &Page::new()))
                .build_service()
                .unwrap();
        }
    }

    #[test]
    fn what_is_no_origin_is_a_build_error() {
        for wrong in [
            "",
            "example.com",
            "https://",
            "https://a b",
            "https://a;script-src *",
            "https://a/path",
            "'self'",
        ] {
            let expected = alloc::format!(
                "the page `ui://clock` names `{wrong}`, which is no origin, such as `https://example.com`"
            );
            for of in [
                Page::new().connects_to(wrong),
                Page::new().loads_from(wrong),
                Page::new().embeds(wrong),
            ] {
                refused(|server| server.resource(page("ui://clock", &of)), &expected);
            }
        }
        for fine in [
            "https://example.com",
            "wss://a.example:8443",
            "https://*.example.com",
            "http://[::1]:80",
        ] {
            assert!(is_origin(fine), "{fine}");
        }
    }

    #[test]
    fn what_is_read_says_what_the_page_may_do() {
        let of = Page::new()
            .uses(Device::Camera)
            .uses(Device::Clipboard)
            .served_from("x.example");
        let service = ServerBuilder::new("t", "1")
            .resource(page("ui://clock", &of))
            .build_service()
            .unwrap();
        let found = service.resource("ui://clock").unwrap();
        let crate::Handler::Sync(run) = found.handler else {
            panic!()
        };
        let work = crate::Work::Resource {
            uri: "ui://clock".into(),
            variables: found.variables,
        };
        let crate::Outcome::Resource(result) = run(work, Cx::detached()) else {
            panic!()
        };
        let contents = &result.contents[0];
        assert_eq!(contents.mime_type.as_deref(), Some(MIME_TYPE));
        let ui = contents.meta.as_ref().unwrap().get("ui").unwrap().as_str();
        assert_eq!(
            ui,
            r#"{"permissions":{"camera":{},"clipboardWrite":{}},"domain":"x.example"}"#
        );
    }

    #[test]
    fn apps_are_shown_where_the_client_says_so() {
        for (settings, shows) in [
            (None, false),
            (Some("{}"), false),
            (Some(r#"{"mimeTypes":["text/html"]}"#), false),
            (
                Some(r#"{"mimeTypes":["text/html","text/html;profile=mcp-app"]}"#),
                true,
            ),
        ] {
            let mut capabilities = mcp_proto::types::ClientCapabilities::default();
            if let Some(settings) = settings {
                let settings = Json::parse(settings).unwrap();
                capabilities.extensions.insert(EXTENSION, settings);
            }
            let cx = Cx::detached().of_a_client(capabilities);
            assert_eq!(cx.shows_apps(), shows, "{settings:?}");
        }
    }
}
