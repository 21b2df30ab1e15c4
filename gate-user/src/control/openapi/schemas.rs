//! Schemas of the types on the wire. In a request what has a default may be left out, in an answer
//! nothing is ever absent: so there are two generators, and one set of definitions.

use std::sync::LazyLock;

use regex::Regex;
use schemars::{
    JsonSchema, Schema, SchemaGenerator,
    generate::{Contract, SchemaSettings},
    transform::RecursiveTransform,
};
use serde_json::{Map, Value, json};

/// Makes the schema of a type.
pub(super) type Of = fn(&mut SchemaGenerator) -> Schema;

/// Makes the schema of `T`.
pub(super) fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// The same in its place, not referred to.
pub(super) fn inline<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

/// What has been described so far.
pub(super) struct Schemas {
    requests: SchemaGenerator,
    answers: SchemaGenerator,
}

impl Default for Schemas {
    fn default() -> Self {
        let generator = |contract| {
            SchemaSettings::draft2020_12()
                .with(|settings| {
                    settings.definitions_path = "/components/schemas".into();
                    settings.contract = contract;
                })
                .with_transform(RecursiveTransform(in_plain_words))
                .into_generator()
        };
        Self {
            requests: generator(Contract::Deserialize),
            answers: generator(Contract::Serialize),
        }
    }
}

impl Schemas {
    /// A type in an answer.
    pub(super) fn of_answer<T: JsonSchema>(&mut self) -> Value {
        self.of_answer_by(of::<T>)
    }

    /// The same for a type that `of` knows.
    pub(super) fn of_answer_by(&mut self, of: Of) -> Value {
        of(&mut self.answers).into()
    }

    /// A type in a request.
    pub(super) fn of_request_by(&mut self, of: Of) -> Value {
        of(&mut self.requests).into()
    }

    /// The members of a query, each as a parameter.
    pub(super) fn parameters(&mut self, of: Of) -> Vec<Value> {
        let query = self.of_request_by(of);
        let is_required = |name: &str| {
            let required = query["required"].as_array().into_iter().flatten();
            required.into_iter().any(|one| one == name)
        };
        let members = query["properties"].as_object().into_iter().flatten();
        members
            .map(|(name, schema)| {
                let mut schema = schema.clone();
                let described = schema.as_object_mut();
                let description = described.and_then(|schema| schema.remove("description"));
                json!({
                    "name": name,
                    "in": "query",
                    "required": is_required(name),
                    "description": description,
                    "schema": schema,
                })
            })
            .collect()
    }

    /// Everything that was referred to.
    pub(super) fn into_definitions(self) -> Map<String, Value> {
        let (mut definitions, answers) = self.definitions();
        definitions.extend(answers);
        definitions
    }

    /// What requests refer to, and what answers do.
    pub(super) fn definitions(mut self) -> (Map<String, Value>, Map<String, Value>) {
        (
            self.requests.take_definitions(true),
            self.answers.take_definitions(true),
        )
    }
}

/// Takes out of a description what only means something to the documentation of the code: links
/// and line breaks.
fn in_plain_words(schema: &mut Schema) {
    static LINK: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\[(`[^`]*`)\](\([^)]*\))?").expect("the expression is a constant")
    });
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = LINK.replace_all(text, "$1").replace('\n', " ");
    }
}
