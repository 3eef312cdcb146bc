//! What a user of signalling may read and write, as `POST /v1/tokens` takes it.

use serde::Deserialize;
use symbolon_token::{PermissionType, Permissions, ResourceType};
use utoipa::ToSchema;

use super::super::mint::Refusal;
use super::object::Object;

/// The right to read or to write some things of one kind.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Permission {
    #[schema(inline)]
    resource: Resource,
    #[schema(inline)]
    access: Access,
    /// Their names: at most 64 of 1 to 64 bytes.
    #[schema(min_items = 1, max_items = 64)]
    names: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Resource {
    MessageChannel,
    StreamChannel,
    GroupChannel,
    ServerGroup,
    User,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Access {
    Read,
    Write,
}

/// All of them as a token has them. The same resource and access twice are one list of names.
pub(super) fn permissions(asked: Vec<Object<Permission>>) -> Result<Permissions, Refusal> {
    if asked.len() > MOST {
        return Err(wrong(format!("at most {MOST} permissions fit a token, not {}", asked.len())));
    }
    let mut permissions = Permissions::new();
    for Object(Permission { resource, access, names }) in asked {
        if !(1..=MOST).contains(&names.len()) || names.iter().any(|name| !(1..=MAX_NAME).contains(&name.len())) {
            return Err(wrong(format!("a permission names 1 to {MOST} things, each of 1 to {MAX_NAME} bytes")));
        }
        let kinds = permissions.entry(resource.id()).or_default();
        kinds.entry(access.id()).or_default().extend(names);
    }
    Ok(permissions)
}

impl Resource {
    fn id(self) -> u16 {
        match self {
            Self::MessageChannel => ResourceType::MessageChannels,
            Self::StreamChannel => ResourceType::StreamChannels,
            Self::GroupChannel => ResourceType::GroupChannels,
            Self::ServerGroup => ResourceType::ServerGroups,
            Self::User => ResourceType::Users,
        }
        .id()
    }
}

impl Access {
    fn id(self) -> u16 {
        match self {
            Self::Read => PermissionType::Read,
            Self::Write => PermissionType::Write,
        }
        .id()
    }
}

fn wrong(text: String) -> Refusal {
    Refusal::bad_request("invalid_permissions", text)
}

const MOST: usize = 64;

/// As long as the name of a user.
const MAX_NAME: usize = 64;
