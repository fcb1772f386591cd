//! What the programs share.

/// The port in `http --port N`, or nothing for `stdio`.
///
/// # Panics
/// When the arguments are neither.
#[must_use]
pub fn port() -> Option<u16> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["stdio"] => None,
        ["http", "--port", port] => Some(port.parse().expect("the port is a number")),
        _ => panic!("usage: SERVER stdio | http --port PORT"),
    }
}
