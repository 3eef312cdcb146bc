# One line for each check; scripts/test runs them all.

fmt:
    cargo fmt --all

lint:
    cargo clippy --workspace --all-targets -- -D warnings

test *args:
    ./scripts/test {{args}}

# Rewrites the generated files of the protocol from its types.
spec:
    UPDATE_SPEC=1 cargo test -p symbolon-proto

web:
    npm --prefix web run check && npm --prefix web test

bench:
    cargo bench -p symbolon-token

# Licences and banned crates; needs cargo-deny.
deny:
    cargo deny check bans licenses sources
