//! S9: a server that reads the same bytes in other pieces says the same.

use std::{fmt::Write as _, sync::Arc};

use mcp_proto::time::Instant;
use mcp_server_core::{Conn, Event, Service};

use crate::{
    handlers::{self, Act},
    scenario::Pick,
    stream::Stream,
    world::World,
};

impl World {
    /// Feeds what a server has read to new ones.
    pub(crate) fn replay(&mut self, stream: &Stream) {
        let Some(read) = &stream.read else { return };
        let transcript = |piece| {
            let act = || transcript(&self.service, read, piece);
            self.notebook.quietly(act)
        };
        let whole = transcript(read.len().max(1));
        for piece in [1, 13] {
            let cut = transcript(piece);
            assert!(
                cut == whole,
                "S9: in pieces of {piece}\n{cut}\nas a whole\n{whole}"
            );
        }
    }
}

/// What a server does that reads these bytes, whose handlers end in place.
fn transcript(service: &Arc<Service<Act>>, bytes: &[u8], piece: usize) -> String {
    let mut conn = Conn::new(Arc::clone(service), 1, Instant::ZERO);
    let (mut events, mut said) = (String::new(), Vec::new());
    let mut work = |conn: &mut Conn<Act>| {
        loop {
            let mut moved = false;
            while let Some(event) = conn.poll_event() {
                moved = true;
                let Event::Call(call) = event else {
                    let _ = writeln!(events, "{event:?}");
                    continue;
                };
                let _ = writeln!(events, "{:?}", call.work);
                let (outcome, _) = match &call.handler {
                    Act::Run(handler) => handlers::run(handler, call.work, call.context),
                    Act::Kept => handlers::outcome(&call.work, 0, Pick(0)),
                    _ => {
                        let number = handlers::number_of(&call.work);
                        handlers::outcome(&call.work, number, Pick(0))
                    }
                };
                let _ = conn.finish(call.ticket, outcome, Instant::ZERO);
            }
            while conn.poll_transmit(&mut said) {
                moved = true;
            }
            if !moved {
                return;
            }
        }
    };
    for chunk in bytes.chunks(piece) {
        conn.handle_bytes(chunk, Instant::ZERO);
        work(&mut conn);
    }
    conn.handle_eof(Instant::ZERO);
    work(&mut conn);
    events + &unsealed(&String::from_utf8_lossy(&said))
}

/// What is sealed is so with another number each time.
fn unsealed(text: &str) -> String {
    const STATE: &str = "\"requestState\":\"";
    let mut parts = text.split(STATE);
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        all += STATE;
        all += part.find('"').map_or("", |end| &part[end..]);
    }
    all
}
