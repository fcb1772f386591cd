//! A server inside of an application that has other work: a thermometer is read in the background
//! while clients on a Unix socket or TCP port ask for its value, are told when it changes, and set
//! how often it is read. It all ends together.
//!
//! `cargo run -p bind-tokio --example embedded_tokio -- 127.0.0.1:7000`
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bind_tokio::{Shutdown, prelude::*};
use tokio::{sync::watch, time::sleep};

/// What the application and the server share.
struct Thermometer {
    celsius: Mutex<f64>,
    every: watch::Sender<Duration>,
}

#[components]
impl Thermometer {
    /// The temperature, in degrees Celsius.
    #[resource("sensor://temperature")]
    async fn temperature(&self) -> String {
        format!("{:.1}", self.celsius())
    }

    /// Sets how often the thermometer is read.
    #[tool]
    async fn set_interval(
        &self,
        /** in seconds */
        seconds: f64,
    ) -> Result<String, ToolError> {
        let every = Duration::try_from_secs_f64(seconds)
            .map_err(|error| ToolError::new(error.to_string()))?;
        self.every
            .send_replace(every.max(Duration::from_millis(100)));
        Ok(format!("read every {every:?}"))
    }
}

impl Thermometer {
    fn celsius(&self) -> f64 {
        *self.celsius.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The other work.
    async fn keep_reading(&self, clients: ServerHandle) {
        let mut every = self.every.subscribe();
        for step in 0_u32.. {
            let pause = *every.borrow_and_update();
            tokio::select! {
                () = sleep(pause) => {}
                _ = every.changed() => continue,
            }
            *self.celsius.lock().unwrap_or_else(PoisonError::into_inner) =
                20.0 + f64::from(step % 50) / 10.0;
            clients.resource_updated("sensor://temperature");
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:0".into());
    let (every, _) = watch::channel(Duration::from_secs(1));
    let thermometer = Arc::new(Thermometer {
        celsius: Mutex::new(20.0),
        every,
    });
    let server = server!().components(Arc::clone(&thermometer)).build()?;

    let listener = Listener::tcp(address).await?;
    if let Some(address) = listener.local_addr() {
        eprintln!("listening on {address}; Enter ends");
    }
    end_with_input(listener.shutdown_handle());
    tokio::select! {
        () = thermometer.keep_reading(server.handle()) => Ok(()),
        ended = listener.serve(&server) => ended,
    }
}

// Ends the listener, which answers what was asked before it lets go.
fn end_with_input(listener: Shutdown) {
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_line(&mut String::new());
        listener.shutdown();
    });
}
