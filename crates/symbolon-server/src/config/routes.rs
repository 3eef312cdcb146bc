//! The token routes that are off unless they are switched on.

/// A token route that some samples and older servers have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionalRoute {
    /// `POST /fetch_rtc_token` and `POST /fetch_rtm_token`.
    Fetch,
    /// `POST /token/generate`.
    Generate,
    /// `GET /rtc/…`, `/rtm/…` and `/rte/…` without their final slash, in the 006 format.
    Node,
    /// `GET /access_token`, in the 006 format.
    AccessToken,
    /// `POST /token/getNew`.
    Middleware,
}

/// Which of them are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OptionalRoutes(u8);

impl OptionalRoutes {
    /// Reads a list of names.
    ///
    /// # Errors
    /// What is wrong with it, and what to do.
    pub(super) fn parse<'a>(names: impl IntoIterator<Item = &'a str>, issue_006: bool) -> Result<Self, String> {
        let mut routes = Self::default();
        for name in names {
            let Some((_, route)) = NAMES.iter().find(|(known, _)| *known == name) else {
                let known = NAMES.map(|(known, _)| known).join(", ");
                return Err(format!("{name:?} is no route; there are {known}"));
            };
            if route.makes_006() && !issue_006 {
                return Err(format!(
                    "{name} makes tokens of the weak 006 format; set tokens.issue_006 (SYMBOLON_ISSUE_006=1) as well if \
                     old clients need them"
                ));
            }
            routes.0 |= route.bit();
        }
        Ok(routes)
    }

    /// Whether none is on.
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this one is on.
    pub fn has(self, route: OptionalRoute) -> bool {
        self.0 & route.bit() != 0
    }
}

impl OptionalRoute {
    fn makes_006(self) -> bool {
        matches!(self, Self::Node | Self::AccessToken)
    }

    fn bit(self) -> u8 {
        match self {
            Self::Fetch => 1,
            Self::Generate => 2,
            Self::Node => 4,
            Self::AccessToken => 8,
            Self::Middleware => 16,
        }
    }
}

const NAMES: [(&str, OptionalRoute); 5] = [
    ("fetch", OptionalRoute::Fetch),
    ("generate", OptionalRoute::Generate),
    ("node", OptionalRoute::Node),
    ("access_token", OptionalRoute::AccessToken),
    ("middleware", OptionalRoute::Middleware),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_switch_on_their_routes_only() {
        for (name, route) in NAMES {
            let routes = OptionalRoutes::parse([name], true).unwrap();
            assert!(NAMES.iter().all(|(_, other)| routes.has(*other) == (*other == route)), "{name}");
        }
        assert_eq!(OptionalRoutes::parse([], false), Ok(OptionalRoutes::default()));
    }

    #[test]
    fn unknown_names_and_006_without_its_switch_are_refused() {
        assert!(OptionalRoutes::parse(["fetch", "Node"], true).unwrap_err().contains("\"Node\" is no route"));
        for name in ["node", "access_token"] {
            assert!(OptionalRoutes::parse([name], false).unwrap_err().contains("SYMBOLON_ISSUE_006"), "{name}");
        }
        assert!(OptionalRoutes::parse(["fetch", "generate", "middleware"], false).is_ok());
    }
}
