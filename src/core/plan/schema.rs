//! JSON schema (draft-07) of a file from its shape, for completion and checks in editors (floor 1).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::shape::{Kind, Shape};

/// The JSON schema of a file of this shape.
#[must_use]
pub fn json_schema(shape: &'static Shape, title: &str) -> Value {
    let mut definitions = Map::new();
    let mut seen = BTreeSet::new();
    define(shape, &mut definitions, &mut seen);
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": title,
        "$ref": format!("#/definitions/{}", shape.name),
        "definitions": definitions,
    })
}

fn define(shape: &'static Shape, definitions: &mut Map<String, Value>, seen: &mut BTreeSet<&'static str>) {
    if !seen.insert(shape.name) {
        return;
    }
    let mut properties = Map::new();
    for field in shape.fields {
        let mut schema = schema_of(&field.kind, definitions, seen);
        if let Value::Object(object) = &mut schema
            && !object.contains_key("$ref")
        {
            object.insert("description".to_owned(), json!(field.doc));
        }
        properties.insert(field.key.to_owned(), schema);
    }
    let required: Vec<&str> =
        shape.fields.iter().filter(|field| field.required).map(|field| field.key).collect();
    let mut object = json!({
        "type": "object",
        "description": shape.doc,
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    definitions.insert(shape.name.to_owned(), object);
}

fn schema_of(
    kind: &'static Kind,
    definitions: &mut Map<String, Value>,
    seen: &mut BTreeSet<&'static str>,
) -> Value {
    match kind {
        Kind::Text | Kind::Expression => json!({ "type": "string" }),
        Kind::Currency => json!({ "type": "string", "pattern": "^[A-Z]{3}$" }),
        Kind::Integer(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
        Kind::Boolean => json!({ "type": "boolean" }),
        // Editors see a TOML date as a string in the full-date format.
        Kind::Date => json!({ "type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$" }),
        Kind::Number => json!({ "type": ["string", "integer"] }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::List(kind) => {
            let item = schema_of(kind, definitions, seen);
            json!({ "anyOf": [{ "type": "array", "items": item.clone() }, item] })
        }
        Kind::Table(shape) => {
            define(shape, definitions, seen);
            json!({ "$ref": format!("#/definitions/{}", shape.name) })
        }
        Kind::Map(kind) => {
            json!({ "type": "object", "additionalProperties": schema_of(kind, definitions, seen) })
        }
        Kind::Either(kinds) => {
            let choices: Vec<Value> = kinds.iter().map(|kind| schema_of(kind, definitions, seen)).collect();
            json!({ "anyOf": choices })
        }
    }
}
