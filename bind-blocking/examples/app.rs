//! A clock that is shown: a tool whose result a client may show with a page of the server's, and a
//! tool that only the page calls.
//!
//! `app` serves its standard input and output, `app 8000` serves HTTP at that port.

use std::time::{SystemTime, UNIX_EPOCH};

use bind_blocking::{
    mcp_server_core::apps::{self, Device, Page, Shown},
    prelude::*,
};

const FACE: &str = "ui://clock/face.html";

/// The page: it greets the client that shows it, shows what the tool has returned, and asks for the
/// time whenever its button is pressed. A page of any size would use `@modelcontextprotocol/ext-apps`
/// for the messages.
const HTML: &str = r#"<!doctype html>
<meta charset="utf-8">
<title>Clock</title>
<p id="time">…</p>
<button id="again">Look again</button>
<script>
  let last = 0;
  const waiting = new Map();
  const say = message => parent.postMessage({ jsonrpc: '2.0', ...message }, '*');
  const ask = (method, params) => new Promise(resolve => {
    waiting.set(++last, resolve);
    say({ id: last, method, params });
  });
  const show = result => {
    document.getElementById('time').textContent = result.content?.[0]?.text ?? '';
  };
  addEventListener('message', ({ data }) => {
    if (data?.method === 'ui/notifications/tool-result') show(data.params);
    if (data?.method === undefined) waiting.get(data?.id)?.(data.result);
  });
  document.getElementById('again').onclick = async () =>
    show(await ask('tools/call', { name: 'look_again', arguments: {} }));
  ask('ui/initialize', {
    protocolVersion: '2026-01-26', appCapabilities: {}, appInfo: { name: 'clock', version: '1.0.0' },
  }).then(() => say({ method: 'ui/notifications/initialized' }));
</script>
"#;

fn now() -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = since.as_secs() % (24 * 60 * 60);
    format!(
        "{:02}:{:02}:{:02} UTC",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

fn main() -> Result<(), Error> {
    let face = ResourceEntry::new(FACE, "face")
        .description("The clock's face")
        .app(&Page::new().uses(Device::Clipboard).with_border(true))
        .constant(HTML);
    let time = ToolEntry::new("time")
        .description("What time it is")
        .shown(&Shown::by(FACE))
        // Without an app there is more to be said in words.
        .run(|_, cx| match cx.shows_apps() {
            true => now(),
            false => format!("It is {}.", now()),
        });
    let look_again = ToolEntry::new("look_again")
        .description("What time it is now, for the clock's face")
        .shown(&Shown::by(FACE).visible_to([apps::Visibility::App]))
        .call(now);
    let server = server!("clock", "1.0.0")
        .extension(apps::extension())
        .resource(face)
        .tool(time)
        .tool(look_again);
    match std::env::args().nth(1) {
        None => serve_stdio(server),
        Some(port) => {
            let listener = bind_blocking::HttpListener::bind(format!("127.0.0.1:{port}"))?;
            eprintln!("listening on {}", listener.url());
            listener.serve(server)
        }
    }
}
