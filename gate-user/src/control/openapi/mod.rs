//! The API, described for programs: an OpenAPI 3.1 document. In: the table of operations, and the
//! types on the wire. Out: JSON, the same as docs/openapi.json, which a test holds against it.

mod operations;
mod schemas;

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use self::{
    operations::{Body, Operation, operations},
    schemas::Schemas,
};
use super::{Rights, api::ErrorBody};

/// The document as it is served.
pub static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let mut text = format!("{:#}", document());
    text.push('\n');
    text
});

const DESCRIPTION: &str = "Everything that gatectl does. docs/control-api.md has the rules and an \
    example of each operation. Over TCP each request shows a token; the Unix socket asks none, its \
    file says who may.";

/// The document.
fn document() -> Value {
    let mut schemas = Schemas::default();
    let error = schemas.of_answer::<ErrorBody>();
    let mut paths = Map::new();
    for operation in operations() {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_lowercase()] = describe(&operation, &mut schemas);
    }
    let error = json!({
        "description": "It was not carried out.",
        "content": {"application/json": {"schema": error}},
    });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "gate",
            "description": DESCRIPTION,
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas.into_definitions(),
            "responses": {"Error": error},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The secret of a token of the configuration \
                        (`web.operators.token`).",
                },
            },
        },
    })
}

/// An operation, as the document has it.
fn describe(operation: &Operation, schemas: &mut Schemas) -> Value {
    let rights = match operation.rights() {
        // No token grants less.
        Rights::Look | Rights::Read => "read",
        Rights::Write => "write",
    };
    let mut described = json!({
        "summary": operation.summary,
        "operationId": operation.id,
        "security": [{"token": [rights]}],
        "responses": {
            "200": {
                "description": "It was carried out.",
                "content": content(&operation.answer, schemas, Schemas::of_answer_by),
            },
            "default": {"$ref": "#/components/responses/Error"},
        },
    });
    let mut parameters = in_path(operation.path);
    if let Some(query) = operation.query {
        parameters.extend(schemas.parameters(query));
    }
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    if let Some(body) = &operation.body {
        described["requestBody"] = json!({
            "required": true,
            "content": content(body, schemas, Schemas::of_request_by),
        });
    }
    described
}

/// A body by its kind; `schema` makes the schema of a type.
fn content(
    body: &Body,
    schemas: &mut Schemas,
    schema: impl Fn(&mut Schemas, schemas::Of) -> Value,
) -> Value {
    match *body {
        Body::Json(of) => json!({"application/json": {"schema": schema(schemas, of)}}),
        Body::Lines(of) => json!({"application/x-ndjson": {"schema": schema(schemas, of)}}),
        Body::AnyLines => json!({"application/x-ndjson": {"schema": {"type": "string"}}}),
        Body::Metrics => json!({"text/plain": {"schema": {"type": "string"}}}),
        Body::Mail => json!({"message/rfc822": {"schema": {"type": "string"}}}),
    }
}

/// The parameters that a path has in braces.
fn in_path(path: &str) -> Vec<Value> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})
        })
        .collect()
}

#[cfg(test)]
mod tests;
