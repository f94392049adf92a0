//! Identifiers as distinct types, so that a payee cannot be passed for a territory (floor 0).

use std::fmt;

macro_rules! identifier {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub String);

        impl $name {
            /// The text of the identifier, as in the extract.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }
    };
}

identifier!(
    /// A customer or prospect (`accounts.account_id`).
    AccountId
);
identifier!(
    /// A person who is paid (`reps.rep_id`).
    PayeeId
);
identifier!(
    /// A territory: the set of accounts of one seat.
    TerritoryId
);
