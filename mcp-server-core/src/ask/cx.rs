//! What a handler asks through its [`Cx`].

use alloc::{
    boxed::Box,
    string::{String, ToString},
    vec::Vec,
};
use core::future::Future;
use std::sync::MutexGuard;

use mcp_proto::{
    json::Json,
    types::{
        BooleanSchema, CreateMessageParams, CreateMessageResult, ElicitAction, ElicitParams,
        ElicitResult, ElicitSchema, EmptyParams, InputRequest, ListRootsResult, Map, Root,
    },
};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    answer::{Ask, Elicited},
    book::Book,
    error::AskError,
    form::form_of,
    need::Missing,
};
use crate::{arguments::meant_by, cx::Cx, schema::ToSchema};

/// Asking, in the middle of a call.
///
/// The same code asks clients of every revision. A question that was not answered yet ends the run
/// of the handler, which is run again, from its beginning, once it is: see [`Ask`].
///
/// ```
/// use mcp_server_core::{Cx, Elicited, ToolError};
///
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Delivery {
///     /// Where to
///     city: String,
///     express: bool,
/// }
///
/// fn order(item: String, cx: &Cx) -> Result<String, ToolError> {
///     let delivery = cx.elicit::<Delivery>(format!("How shall {item} be sent?")).get()?.required()?;
///     if delivery.express && !cx.confirm("Express costs 10 more. Go on?").get()? {
///         return Ok("not ordered".into());
///     }
///     let number: u64 = cx.once("order", || 42)?; // the order itself, which must not be repeated
///     Ok(format!("order {number}: {item} to {}", delivery.city))
/// }
///
/// # use mcp_server_core::mcp_proto::{json::Json, types::ElicitResult};
/// // In a test, a function answers.
/// let cx = Cx::detached().answering(|_| {
///     let content = Json::parse(r#"{"city":"Ghent","express":false}"#).unwrap();
///     Json::new(&ElicitResult::accept(content)).ok()
/// });
/// assert_eq!(order("tea".into(), &cx).unwrap(), "order 42: tea to Ghent");
/// ```
impl Cx {
    /// Asks the person at the client to fill in a form.
    ///
    /// `T` says which: a struct of texts, numbers, booleans, enums without data, lists of such
    /// enums, and options of these. Descriptions, lengths, ranges, formats and defaults of its
    /// schema become those of the form; titles of an enum's variants are shown instead of their
    /// names. An answer that does not fit is not one: the question is asked again.
    ///
    /// Never ask for secrets by a form (2025-06-18 on, client/elicitation): use
    /// [`elicit_url`](Self::elicit_url).
    pub fn elicit<T: DeserializeOwned + ToSchema>(
        &self,
        message: impl Into<String>,
    ) -> Ask<Elicited<T>> {
        let request = form_of::<T>().map(|form| ElicitParams::form(message, form).into());
        self.ask(request, |answer| {
            match read_form(answer)?.map(|json| read_fields(&json)) {
                // An answer that cannot be read is none.
                Elicited::Accepted(fields) => fields.map(Elicited::Accepted),
                Elicited::Declined => Some(Elicited::Declined),
                Elicited::Cancelled => Some(Elicited::Cancelled),
            }
        })
    }

    /// Asks the person at the client to fill in a form that is put together by hand.
    pub fn elicit_form(
        &self,
        message: impl Into<String>,
        form: ElicitSchema,
    ) -> Ask<Elicited<Json>> {
        self.ask(Ok(ElicitParams::form(message, form).into()), read_form)
    }

    /// Asks the person at the client to visit a page, for what must not pass through the client:
    /// passwords, payments, consent (2025-11-25 on). That it is accepted only means that they
    /// agreed to go there.
    ///
    /// Whoever comes to the page must be shown to be the one who was asked (2025-11-25,
    /// client/elicitation, Security).
    pub fn elicit_url(
        &self,
        message: impl Into<String>,
        url: impl Into<String>,
    ) -> Ask<Elicited<()>> {
        self.ask(Ok(ElicitParams::url(message, url).into()), |answer| {
            Some(read_form(answer)?.map(|_| ()))
        })
    }

    /// Asks the person at the client for a yes. Anything else is a no.
    pub fn confirm(&self, message: impl Into<String>) -> Ask<bool> {
        let form = ElicitSchema::new().with_required("confirm", BooleanSchema::default());
        self.ask(Ok(ElicitParams::form(message, form).into()), |answer| {
            #[derive(serde::Deserialize)]
            struct Confirm {
                confirm: bool,
            }
            match read_form(answer)? {
                Elicited::Accepted(json) => json.to::<Confirm>().ok().map(|form| form.confirm),
                _ => Some(false),
            }
        })
    }

    /// Asks the model at the client to continue a conversation; with tools, from 2025-11-25 on.
    pub fn sample(&self, params: CreateMessageParams) -> Ask<CreateMessageResult> {
        self.ask(Ok(params.into()), |answer| answer.to().ok())
    }

    /// Asks the client for the folders that it works in.
    pub fn roots(&self) -> Ask<Vec<Root>> {
        let request = InputRequest::ListRoots(EmptyParams::default());
        self.ask(Ok(request), |answer| {
            answer
                .to::<ListRootsResult>()
                .ok()
                .map(|result| result.roots)
        })
    }

    fn ask<T>(
        &self,
        request: Result<InputRequest, AskError>,
        read: fn(&Json) -> Option<T>,
    ) -> Ask<T> {
        let asked = request.and_then(|request| {
            Missing::of([&request], self.peer())
                .into_result()
                .map_err(AskError::Undeclared)?;
            Ok((self.cancel_token().clone(), self.book().add(request)))
        });
        Ask::new(asked, read)
    }

    /// Does something once, however often the handler is run: what it leads to is remembered with
    /// the answers, and returned instead in later runs of the same call.
    ///
    /// Without it, what a handler does before a question is done again when it is answered. A client
    /// that makes the same call anew, instead of going on with it, is another matter: that is a new
    /// call.
    ///
    /// The result travels with the call's state, and has to fit into
    /// [`Limits::request_state_bytes`](mcp_proto::limits::Limits::request_state_bytes).
    ///
    /// # Errors
    /// [`AskError::Once`] where the result cannot be remembered.
    pub fn once<T: Serialize + DeserializeOwned>(
        &self,
        key: &str,
        run: impl FnOnce() -> T,
    ) -> Result<T, AskError> {
        match self.done(key)? {
            Some(done) => Ok(done),
            None => self.set_done(key, run()),
        }
    }

    /// [`once`](Self::once) for what may fail. A failure is not remembered.
    ///
    /// # Errors
    /// Those of `run`, and [`AskError::Once`].
    pub fn try_once<T, E>(&self, key: &str, run: impl FnOnce() -> Result<T, E>) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        E: From<AskError>,
    {
        match self.done(key)? {
            Some(done) => Ok(done),
            None => Ok(self.set_done(key, run()?)?),
        }
    }

    /// [`once`](Self::once) for a future. Await it before anything is asked: one that is joined
    /// with a question is dropped with it.
    ///
    /// # Errors
    /// [`AskError::Once`] where the result cannot be remembered.
    pub async fn once_async<T, F>(&self, key: &str, run: impl FnOnce() -> F) -> Result<T, AskError>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = T>,
    {
        match self.done(key)? {
            Some(done) => Ok(done),
            None => self.set_done(key, run().await),
        }
    }

    /// [`try_once`](Self::try_once) for a future.
    ///
    /// # Errors
    /// Those of `run`, and [`AskError::Once`].
    pub async fn try_once_async<T, E, F>(&self, key: &str, run: impl FnOnce() -> F) -> Result<T, E>
    where
        T: Serialize + DeserializeOwned,
        E: From<AskError>,
        F: Future<Output = Result<T, E>>,
    {
        match self.done(key)? {
            Some(done) => Ok(done),
            None => Ok(self.set_done(key, run().await?)?),
        }
    }

    /// Lets the call go on as a task, where its client takes one: from here on it outlives its
    /// request. What it asks before this, it asks of whoever made the call.
    ///
    /// For tools that [detach](crate::ToolEntry::detaches). As with a question, the handler is run
    /// again from its beginning, as a task, and this returns at once then. So it does where the call
    /// does not become a task, and takes as long as it takes.
    ///
    /// # Errors
    /// [`AskError::Unanswered`], to be passed on with `?`: this run is over.
    pub fn detach(&self) -> Result<(), AskError> {
        if !self.is_detachable() {
            return Ok(());
        }
        self.cancel_token().asks().detach();
        Err(AskError::Unanswered)
    }

    fn done<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, AskError> {
        let done = self.book().done(key).cloned();
        done.map(|done| done.to().map_err(|error| once_error(key, &error)))
            .transpose()
    }

    fn set_done<T: Serialize>(&self, key: &str, result: T) -> Result<T, AskError> {
        let done = Json::new(&result).map_err(|error| once_error(key, &error))?;
        self.book().set_done(key, done);
        Ok(result)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.cancel_token().asks().open(self.resumed())
    }

    /// For tests: answers questions in the place of a client that has declared everything. A
    /// question for which `answer` has nothing stays unanswered, as does one to which its answer
    /// does not fit.
    #[must_use]
    pub fn answering(
        self,
        answer: impl FnMut(&InputRequest) -> Option<Json> + Send + 'static,
    ) -> Self {
        self.book().set_responder(Box::new(answer));
        self.of_an_able_client()
    }
}

fn once_error(key: &str, error: &serde_json::Error) -> AskError {
    AskError::Once {
        key: key.into(),
        problem: error.to_string(),
    }
}

fn read_form(answer: &Json) -> Option<Elicited<Json>> {
    let result: ElicitResult = answer.to().ok()?;
    Some(match result.action {
        ElicitAction::Accept => {
            Elicited::Accepted(result.content.unwrap_or_else(Json::empty_object))
        }
        ElicitAction::Decline => Elicited::Declined,
        _ => Elicited::Cancelled,
    })
}

/// A form's answer. A number without a fraction is an integer however it is written (JSON Schema
/// 2020-12, Validation, 6.1.1).
fn read_fields<T: DeserializeOwned>(answer: &Json) -> Option<T> {
    if let Ok(read) = answer.to() {
        return Some(read);
    }
    let fields: Map<Json> = answer.to().ok()?;
    let whole = |value: Json| {
        let meant = meant_by(value.as_str(), true).and_then(|meant| Json::parse(meant).ok());
        meant.unwrap_or(value)
    };
    let fields = fields.into_iter().map(|(name, value)| (name, whole(value)));
    Json::new(&fields.collect::<Map<Json>>()).ok()?.to().ok()
}
