//! MCP Apps: pages that a client shows beside a tool's results (extension
//! `io.modelcontextprotocol/ui`).

use alloc::{string::String, vec::Vec};

use mcp_proto::json::Json;
use serde::Serialize;

use crate::{cx::Cx, extension::Extension};

/// The extension's identifier.
pub const EXTENSION: &str = "io.modelcontextprotocol/ui";
/// The media type of an app's page.
pub const MIME_TYPE: &str = "text/html;profile=mcp-app";
/// The key of `_meta` that tools and resources say it under.
pub(crate) const META_KEY: &str = "ui";

/// The extension, for [`ServerBuilder::extension`](crate::ServerBuilder::extension): declares it,
/// and keeps what results say of it from clients that do not.
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

    /// Lets it send requests to this origin.
    #[must_use]
    pub fn connects_to(mut self, origin: impl Into<String>) -> Self {
        self.csp.connect_domains.push(origin.into());
        self
    }

    /// Lets it load pictures, scripts, styles and fonts from this origin.
    #[must_use]
    pub fn loads_from(mut self, origin: impl Into<String>) -> Self {
        self.csp.resource_domains.push(origin.into());
        self
    }

    /// Says whether it is to be framed.
    #[must_use]
    pub fn with_border(mut self, prefers: bool) -> Self {
        self.prefers_border = Some(prefers);
        self
    }

    pub(crate) fn json(&self) -> Json {
        // Strings and flags can always be written.
        Json::new(self).unwrap_or_else(|_| Json::empty_object())
    }
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

    #[test]
    fn a_page_that_is_no_app_is_a_build_error() {
        let tool = ToolEntry::new("time")
            .shown(&Shown::by("https://clock"))
            .call(|| "noon");
        let error = ServerBuilder::new("t", "1")
            .tool(tool)
            .build_service()
            .unwrap_err();
        assert!(error.to_string().contains("`https://clock`"), "{error}");
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
                capabilities.extensions.insert(EXTENSION.into(), settings);
            }
            let cx = Cx::detached().of_a_client(capabilities);
            assert_eq!(cx.shows_apps(), shows, "{settings:?}");
        }
    }
}
