//! A server inside of an application that has other work: a thermometer is read in the background
//! while clients on a TCP port ask for its value and are told when it changes. It all ends together.
//!
//! `cargo run -p bind-async-std --example embedded_smol -- 127.0.0.1:7000`
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bind_async_std::smol::prelude::*;
use smol::{Timer, future};

/// What the application and the server share.
struct Thermometer {
    celsius: Mutex<f64>,
}

#[components]
impl Thermometer {
    /// The temperature, in degrees Celsius.
    #[resource("sensor://temperature")]
    async fn temperature(&self) -> String {
        format!("{:.1}", self.lock())
    }

    /// Sets the thermometer right.
    #[tool]
    async fn calibrate(
        &self,
        /** the true temperature, in degrees Celsius */
        celsius: f64,
    ) -> String {
        *self.lock() = celsius;
        format!("it is {celsius:.1}")
    }
}

impl Thermometer {
    fn lock(&self) -> std::sync::MutexGuard<'_, f64> {
        self.celsius.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The other work.
    async fn keep_reading(&self, clients: ServerHandle) -> Result<(), Error> {
        loop {
            Timer::after(Duration::from_secs(1)).await;
            *self.lock() += 0.1;
            clients.resource_updated("sensor://temperature");
        }
    }
}

fn main() -> Result<(), Error> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:0".into());
    let thermometer = Arc::new(Thermometer {
        celsius: Mutex::new(20.0),
    });
    let server = server!().components(Arc::clone(&thermometer)).build()?;
    smol::block_on(async {
        let listener = Listener::tcp(address).await?;
        if let Some(address) = listener.local_addr() {
            eprintln!("listening on {address}; Enter ends");
        }
        let shutdown = listener.shutdown_handle();
        std::thread::spawn(move || {
            let _ = std::io::stdin().read_line(&mut String::new());
            // Lets the listener answer what was asked before it lets go.
            shutdown.shutdown();
        });
        future::or(
            listener.serve(&server),
            thermometer.keep_reading(server.handle()),
        )
        .await
    })
}
