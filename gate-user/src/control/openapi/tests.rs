//! The document is true: it has the routes, docs/openapi.json is it, and every example is as its
//! schemas say.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Validator;

use super::*;
use crate::control::{
    examples::{Documented, Example, examples},
    server::all_routes,
};

/// Where the document lies for those who have no gate that runs.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");

#[test]
fn every_route_is_described_and_nothing_else() {
    let described: BTreeSet<String> = operations()
        .iter()
        .map(|operation| format!("{} {}", operation.method, operation.path))
        .collect();
    let routes: BTreeSet<String> = all_routes::<Documented>()
        .iter()
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    assert_eq!(described, routes);
    let ids: BTreeSet<_> = operations().iter().map(|operation| operation.id).collect();
    assert_eq!(ids.len(), routes.len(), "an operation's name is its own");
}

/// To write it anew: `GATE_WRITE_DOCS=1 cargo test -p gate-user --lib openapi`.
#[test]
fn the_file_in_docs_is_the_document() {
    if std::env::var_os("GATE_WRITE_DOCS").is_some() {
        std::fs::write(FILE, DOCUMENT.as_str()).unwrap();
    }
    let file: Value = serde_json::from_str(&std::fs::read_to_string(FILE).unwrap()).unwrap();
    assert!(
        file == document(),
        "docs/openapi.json is not what is served; write it anew: \
         GATE_WRITE_DOCS=1 cargo test -p gate-user --lib openapi"
    );
}

/// `schema`, which refers to definitions of `document`, and takes no member that it does not
/// name.
fn strict(schema: &Value, document: &Value) -> Validator {
    let mut whole = json!({"components": document["components"], "allOf": [schema]});
    close(&mut whole["components"]["schemas"]);
    jsonschema::draft202012::new(&whole).unwrap()
}

/// Lets no object in `value` have a member that its schema does not name.
fn close(value: &mut Value) {
    match value {
        Value::Object(members) => {
            if members.get("properties").is_some_and(Value::is_object)
                && !members.contains_key("additionalProperties")
            {
                members.insert("unevaluatedProperties".to_owned(), false.into());
            }
            members.values_mut().for_each(close);
        }
        Value::Array(values) => values.iter_mut().for_each(close),
        _ => {}
    }
}

fn check(text: &str, body: &Value, document: &Value, what: &str) {
    for (kind, content) in body.as_object().unwrap() {
        let validator = strict(&content["schema"], document);
        let values: Vec<Value> = match kind.as_str() {
            "application/json" => vec![serde_json::from_str(text).unwrap()],
            "application/x-ndjson" if content["schema"]["type"] != "string" => text
                .lines()
                .map(|line| serde_json::from_str(line).unwrap())
                .collect(),
            _ => vec![Value::String(text.to_owned())],
        };
        for value in values {
            let errors: Vec<_> = validator
                .iter_errors(&value)
                .map(|error| format!("{error} at {}", error.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{what}: {errors:#?}");
        }
    }
}

#[test]
fn every_example_is_as_its_schemas_say() {
    let document = document();
    for operation in operations() {
        let what = format!("{} {}", operation.method, operation.path);
        let method = operation.method.as_str().to_lowercase();
        let described = &document["paths"][operation.path][method];
        let all = examples();
        let mut of_it = all
            .iter()
            .filter(|example| example.is_of(&operation.method, operation.path));
        let Example {
            target,
            body,
            answer,
            ..
        } = of_it.next().unwrap();
        let answers = &described["responses"]["200"]["content"];
        check(answer, answers, &document, &what);
        match described.get("requestBody") {
            Some(takes) => check(body, &takes["content"], &document, &what),
            None => assert_eq!(body, "", "{what} takes no body"),
        }
        let mut asked: BTreeMap<&str, bool> = BTreeMap::new();
        for parameter in described["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] == "query" {
                let required = parameter["required"].as_bool().unwrap();
                asked.insert(parameter["name"].as_str().unwrap(), required);
            }
        }
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let given: BTreeSet<&str> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, _)| name)
            .collect();
        for name in &given {
            assert!(asked.contains_key(name), "{what} takes `{name}`");
        }
        for (name, required) in asked {
            assert!(!required || given.contains(name), "{what} wants `{name}`");
        }
    }
}

#[test]
fn an_answer_that_lacks_a_member_or_has_one_more_is_none() {
    let document = document();
    let schema = json!({"$ref": "#/components/schemas/ModeState"});
    let validator = strict(&schema, &document);
    assert!(validator.is_valid(&json!({"mode": "off", "configured": "off"})));
    for wrong in [
        json!({"mode": "off"}),
        json!({"mode": "on", "configured": "off"}),
        json!({"mode": "off", "configured": "off", "color": "red"}),
    ] {
        assert!(!validator.is_valid(&wrong), "{wrong}");
    }
}

/// A type that is in requests and in answers would need two schemas where they differ.
#[test]
fn no_definition_stands_for_two_types() {
    let mut schemas = Schemas::default();
    for operation in operations() {
        describe(&operation, &mut schemas);
    }
    let (requests, answers) = schemas.definitions();
    for (name, schema) in &requests {
        if let Some(other) = answers.get(name) {
            assert_eq!(schema, other, "{name}");
        }
    }
    for name in requests.keys().chain(answers.keys()) {
        let numbered = name.ends_with(|c: char| c.is_ascii_digit());
        assert!(!numbered, "two types are called {name} without its number");
    }
}
