//! A server that asks in the middle of a call, over standard input and output. The client may be of
//! any revision; the tool need not know.
use bind_tokio::prelude::*;

/// What is known of somebody.
#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Person {
    /// What people call you
    name: String,
    #[schemars(range(min = 0, max = 150))]
    age: Option<u8>,
}

/// Greet whoever is there.
#[tool]
async fn greet(cx: Cx) -> Result<String, ToolError> {
    // Both are asked at once: neither is awaited before the other is asked.
    let (person, roots) = (cx.elicit::<Person>("Who are you?"), cx.roots());
    let (person, roots) = tokio::join!(person, roots);
    let person = person?.required()?;
    let age = person.age.map(|age| format!(", aged {age}"));
    let at_work = roots.map_or(0, |roots| roots.len());
    Ok(format!(
        "Hello, {}{}, with {at_work} folders",
        person.name,
        age.unwrap_or_default()
    ))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    serve_stdio(server!().tool(greet)).await
}
