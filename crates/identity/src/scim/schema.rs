//! The attributes that are kept, and their description for the provisioning system (RFC 7643 section 7).

use serde_json::{Value, json};

/// The schema of users.
pub const USER_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of groups.
pub const GROUP_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The schema of what enterprises add to users.
pub const ENTERPRISE_SCHEMA: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// What a value is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    Bool,
    /// The address of another resource.
    Reference(&'static str),
    Complex(&'static [Attribute]),
}

/// Who may write an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mutability {
    ReadWrite,
    ReadOnly,
    Immutable,
}

/// An attribute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) multi: bool,
    pub(super) required: bool,
    pub(super) mutability: Mutability,
    pub(super) unique: bool,
    description: &'static str,
}

const fn text(name: &'static str, description: &'static str) -> Attribute {
    Attribute {
        name,
        kind: Kind::Text,
        multi: false,
        required: false,
        mutability: Mutability::ReadWrite,
        unique: false,
        description,
    }
}

const NAME: &[Attribute] = &[
    text("formatted", "The whole name"),
    text("familyName", "The family name"),
    text("givenName", "The given names"),
    text("honorificPrefix", "The title"),
];

const EMAIL: &[Attribute] = &[
    text("value", "The address"),
    text("type", "Such as work"),
    Attribute { kind: Kind::Bool, ..text("primary", "Whether it is the first to be used") },
];

const USERS_GROUP: &[Attribute] = &[
    Attribute { mutability: Mutability::ReadOnly, ..text("value", "The group's id") },
    Attribute {
        kind: Kind::Reference("Group"),
        mutability: Mutability::ReadOnly,
        ..text("$ref", "The group's address")
    },
    Attribute { mutability: Mutability::ReadOnly, ..text("display", "The group's name") },
];

const MEMBER: &[Attribute] = &[
    Attribute { mutability: Mutability::Immutable, ..text("value", "The user's id") },
    Attribute {
        kind: Kind::Reference("User"),
        mutability: Mutability::Immutable,
        ..text("$ref", "The user's address")
    },
    Attribute { mutability: Mutability::ReadOnly, ..text("display", "The user's name") },
];

/// The attributes of users.
pub(super) const USER: &[Attribute] = &[
    Attribute { required: true, unique: true, ..text("userName", "The name at the organisation") },
    Attribute { kind: Kind::Complex(NAME), ..text("name", "The parts of the name") },
    text("displayName", "The name that others see"),
    text("title", "The job"),
    Attribute { kind: Kind::Bool, ..text("active", "Whether the user may sign in") },
    Attribute { kind: Kind::Complex(EMAIL), multi: true, ..text("emails", "E-mail addresses") },
    Attribute {
        kind: Kind::Complex(USERS_GROUP),
        multi: true,
        mutability: Mutability::ReadOnly,
        ..text("groups", "The groups that the user is in")
    },
];

/// What enterprises add.
pub(super) const ENTERPRISE: &[Attribute] = &[
    text("employeeNumber", "The number of the member of staff, by which the directory finds them"),
    text("department", "The department"),
];

/// The attributes of groups.
pub(super) const GROUP: &[Attribute] = &[
    Attribute { required: true, ..text("displayName", "The team's name") },
    Attribute { kind: Kind::Complex(MEMBER), multi: true, ..text("members", "Who is in the team") },
];

/// The attribute that all resources have beside their schema's.
pub(super) const EXTERNAL_ID: Attribute = text("externalId", "The id at the organisation");

/// A kind of resource: its attributes, and those of its extension.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResourceKind {
    pub(super) name: &'static str,
    pub(super) schema: &'static str,
    pub(super) attributes: &'static [Attribute],
    pub(super) extension: Option<(&'static str, &'static [Attribute])>,
}

pub(super) const USERS: ResourceKind = ResourceKind {
    name: "User",
    schema: USER_SCHEMA,
    attributes: USER,
    extension: Some((ENTERPRISE_SCHEMA, ENTERPRISE)),
};

pub(super) const GROUPS: ResourceKind =
    ResourceKind { name: "Group", schema: GROUP_SCHEMA, attributes: GROUP, extension: None };

impl ResourceKind {
    /// The attribute of this name in the core or in the extension with this URN; letter case does not matter.
    pub(super) fn attribute(&self, extension: bool, name: &str) -> Option<Attribute> {
        let list = if extension { self.extension.map_or(&[][..], |(_, list)| list) } else { self.attributes };
        let external = (!extension).then_some(EXTERNAL_ID);
        list.iter().copied().chain(external).find(|attribute| attribute.name.eq_ignore_ascii_case(name))
    }
}

fn describe(attribute: &Attribute) -> Value {
    let kind = match attribute.kind {
        Kind::Text => "string",
        Kind::Bool => "boolean",
        Kind::Reference(_) => "reference",
        Kind::Complex(_) => "complex",
    };
    let mutability = match attribute.mutability {
        Mutability::ReadWrite => "readWrite",
        Mutability::ReadOnly => "readOnly",
        Mutability::Immutable => "immutable",
    };
    let mut json = json!({
        "name": attribute.name,
        "type": kind,
        "multiValued": attribute.multi,
        "description": attribute.description,
        "required": attribute.required,
        "mutability": mutability,
        "returned": "default",
        "uniqueness": if attribute.unique { "server" } else { "none" },
    });
    match attribute.kind {
        Kind::Text => json["caseExact"] = json!(false),
        Kind::Reference(to) => {
            json["caseExact"] = json!(true);
            json["referenceTypes"] = json!([to]);
        }
        Kind::Complex(parts) => json["subAttributes"] = parts.iter().map(describe).collect(),
        Kind::Bool => {}
    }
    json
}

/// The schemas, with addresses below `base` (such as `https://chat.example/scim/v2`).
#[must_use]
pub fn schemas(base: &str) -> Vec<Value> {
    [
        (USER_SCHEMA, "User", "A member of staff with an account", USER),
        (ENTERPRISE_SCHEMA, "EnterpriseUser", "What the employer adds to a user", ENTERPRISE),
        (GROUP_SCHEMA, "Group", "A team", GROUP),
    ]
    .into_iter()
    .map(|(id, name, description, attributes)| {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": id,
            "name": name,
            "description": description,
            "attributes": attributes.iter().map(describe).collect::<Vec<_>>(),
            "meta": { "resourceType": "Schema", "location": format!("{base}/Schemas/{id}") },
        })
    })
    .collect()
}

/// The resource types, with addresses below `base`.
#[must_use]
pub fn resource_types(base: &str) -> Vec<Value> {
    [USERS, GROUPS]
        .into_iter()
        .map(|kind| {
            let extensions: Vec<Value> = kind
                .extension
                .iter()
                .map(|(schema, _)| json!({ "schema": schema, "required": false }))
                .collect();
            json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
                "id": kind.name,
                "name": kind.name,
                "endpoint": format!("/{}s", kind.name),
                "description": if kind.name == "User" { "Accounts of staff" } else { "Teams" },
                "schema": kind.schema,
                "schemaExtensions": extensions,
                "meta": {
                    "resourceType": "ResourceType",
                    "location": format!("{base}/ResourceTypes/{}", kind.name),
                },
            })
        })
        .collect()
}
