//! JWTs of an app's own login (RFC 7519, RFC 8725), checked against the keys of a known issuer.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The algorithms that an issuer may sign with. None of them works with a key that a client could know.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum JwtAlgorithm {
    RS256,
    ES256,
    EdDSA,
}

impl JwtAlgorithm {
    pub(crate) const ALL: [Self; 3] = [Self::RS256, Self::ES256, Self::EdDSA];

    fn of(algorithm: Algorithm) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.jsonwebtoken() == algorithm)
    }

    fn jsonwebtoken(self) -> Algorithm {
        match self {
            Self::RS256 => Algorithm::RS256,
            Self::ES256 => Algorithm::ES256,
            Self::EdDSA => Algorithm::EdDSA,
        }
    }
}

/// Why a JWT is refused. The texts repeat nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JwtError {
    #[error("the JWT is longer than 8192 bytes")]
    TooLong,
    #[error("the JWT cannot be read")]
    Malformed,
    #[error("the JWT is signed with an algorithm that is not taken here")]
    Algorithm,
    #[error("the JWT is of another kind than this server takes (typ, cty, zip, enc or crit in its header)")]
    Kind,
    #[error("the JWT's issuer is not known here")]
    Issuer,
    #[error("the JWT names a signing key that its issuer does not have")]
    UnknownKey,
    #[error("the JWT's signature is wrong")]
    Signature,
    #[error("the JWT is not meant for this server (audience)")]
    Audience,
    #[error("the JWT has no expiry")]
    NoExpiry,
    #[error("the JWT has expired")]
    Expired,
    #[error("the JWT is not valid yet")]
    NotYetValid,
}

impl JwtError {
    /// The word for the audit.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::TooLong => "jwt_too_long",
            Self::Malformed => "jwt_malformed",
            Self::Algorithm => "jwt_algorithm",
            Self::Issuer => "jwt_issuer",
            Self::UnknownKey => "jwt_unknown_key",
            Self::Signature => "jwt_signature",
            Self::Audience => "jwt_audience",
            Self::NoExpiry => "jwt_no_expiry",
            Self::Expired => "jwt_expired",
            Self::NotYetValid => "jwt_not_yet_valid",
            Self::Kind => "jwt_kind",
        }
    }
}

/// One key that an issuer signs with.
#[derive(Clone, Debug)]
pub(crate) struct SigningKey {
    id: Option<String>,
    algorithm: JwtAlgorithm,
    key: DecodingKey,
}

/// The keys of one issuer.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeySet(Vec<SigningKey>);

impl KeySet {
    /// Reads a JWK set (RFC 7517), leaving out keys of other kinds, for other uses, or too weak.
    ///
    /// # Errors
    /// When it is no set, or none of its keys is of use.
    pub(crate) fn from_jwks(json: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Lenient {
            keys: Vec<Value>,
        }
        let Lenient { keys } = serde_json::from_slice(json).map_err(|_| "this is no JWK set".to_owned())?;
        // Keys of kinds that are not known must not hide those that are.
        let keys = keys.into_iter().take(MAX_KEYS).filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let set = JwkSet { keys: keys.collect() };
        let keys: Vec<_> = set.keys.iter().filter_map(signing_key).collect();
        if keys.is_empty() {
            return Err("the JWK set has no RS256, ES256 or EdDSA signing key".to_owned());
        }
        Ok(Self(keys))
    }

    /// Takes one public key in PEM form.
    ///
    /// # Errors
    /// When it is no public key of the algorithm.
    pub(crate) fn from_pem(algorithm: JwtAlgorithm, pem: &[u8]) -> Result<Self, String> {
        let key = match algorithm {
            JwtAlgorithm::RS256 => DecodingKey::from_rsa_pem(pem),
            JwtAlgorithm::ES256 => DecodingKey::from_ec_pem(pem),
            JwtAlgorithm::EdDSA => DecodingKey::from_ed_pem(pem),
        };
        let key = key.map_err(|_| format!("this is no {algorithm:?} public key in PEM form"))?;
        Ok(Self(vec![SigningKey { id: None, algorithm, key }]))
    }

    /// The keys that may have signed with this algorithm under this name.
    fn candidates(&self, algorithm: JwtAlgorithm, id: Option<&str>) -> impl Iterator<Item = &SigningKey> {
        // A key that has a name has to be named.
        let fits = move |key: &&SigningKey| key.id.is_none() || key.id.as_deref() == id;
        self.0.iter().filter(move |key| key.algorithm == algorithm).filter(fits)
    }
}

/// Far more keys than an issuer has at a time.
const MAX_KEYS: usize = 64;

fn signing_key(jwk: &Jwk) -> Option<SigningKey> {
    if jwk.common.public_key_use.as_ref().is_some_and(|used_for| *used_for != PublicKeyUse::Signature) {
        return None;
    }
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) if modulus_bits(&rsa.n) >= 2048 => JwtAlgorithm::RS256,
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => JwtAlgorithm::ES256,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => JwtAlgorithm::EdDSA,
        AlgorithmParameters::EllipticCurve(_)
        | AlgorithmParameters::RSA(_)
        | AlgorithmParameters::OctetKey(_)
        | AlgorithmParameters::OctetKeyPair(_)
        | AlgorithmParameters::Other(_)
        | _ => return None,
    };
    let named = jwk.common.key_algorithm.map(|named| named.to_string());
    if named.is_some_and(|named| named != format!("{algorithm:?}")) {
        return None;
    }
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some(SigningKey { id: jwk.common.key_id.clone(), algorithm, key })
}

/// How many bits the modulus of an RSA key has, from its base64url text.
fn modulus_bits(text: &str) -> usize {
    text.trim_start_matches('A').trim_end_matches('=').len() * 6
}

/// An issuer, as far as checking its JWTs goes.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    /// The exact `iss`.
    pub(crate) issuer: String,
    /// The audiences of which `aud` must name one.
    pub(crate) audiences: Vec<String>,
    /// The algorithms taken.
    pub(crate) algorithms: Vec<JwtAlgorithm>,
    /// The one `typ` taken, such as `at+jwt` (RFC 9068); without it `JWT`, `at+jwt`, or none.
    pub(crate) typ: Option<String>,
}

impl Expected {
    /// Checks a JWT at Unix time `now`, and gives its claims. Nothing in its header but algorithm and key name is used.
    pub(crate) fn check(&self, text: &str, keys: &KeySet, now: u64) -> Result<Map<String, Value>, JwtError> {
        let header = header(text)?;
        self.check_kind(&header)?;
        let algorithm = JwtAlgorithm::of(header.alg)
            .filter(|algorithm| self.algorithms.contains(algorithm))
            .ok_or(JwtError::Algorithm)?;
        let mut candidates = keys.candidates(algorithm, header.kid.as_deref()).peekable();
        if candidates.peek().is_none() {
            return Err(JwtError::UnknownKey);
        }
        let claims = candidates.find_map(|key| signed_claims(text, key)).ok_or(JwtError::Signature)?;
        self.check_claims(&claims, now)?;
        Ok(claims)
    }

    /// A logout token, an encrypted or compressed one, or one around another is no proof of a login.
    fn check_kind(&self, header: &Header) -> Result<(), JwtError> {
        let typ = header.typ.as_deref().map(|typ| typ.to_ascii_lowercase());
        let typ = typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
        let taken = match &self.typ {
            Some(wanted) => typ.is_some_and(|typ| typ.eq_ignore_ascii_case(wanted)),
            None => matches!(typ, None | Some("jwt" | "at+jwt")),
        };
        let plain = header.zip.is_none() && header.enc.is_none() && header.cty.is_none() && header.crit.is_none();
        if taken && plain { Ok(()) } else { Err(JwtError::Kind) }
    }

    fn check_claims(&self, claims: &Map<String, Value>, now: u64) -> Result<(), JwtError> {
        if claims.get("iss").and_then(Value::as_str) != Some(&self.issuer) {
            return Err(JwtError::Issuer);
        }
        let audiences: Vec<&str> = match claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if !audiences.iter().any(|audience| self.audiences.iter().any(|known| known == audience)) {
            return Err(JwtError::Audience);
        }
        let now = i128::from(now);
        let expires = claims.get("exp").and_then(seconds).ok_or(JwtError::NoExpiry)?;
        if now >= expires + LEEWAY {
            return Err(JwtError::Expired);
        }
        match claims.get("nbf") {
            None => Ok(()),
            Some(begins) => {
                let begins = seconds(begins).ok_or(JwtError::Malformed)?;
                if now + LEEWAY < begins { Err(JwtError::NotYetValid) } else { Ok(()) }
            }
        }
    }
}

/// Clocks may differ by so many seconds.
const LEEWAY: i128 = 30;

/// A NumericDate (RFC 7519 section 2), rounded down.
fn seconds(value: &Value) -> Option<i128> {
    let number = value.as_number()?;
    let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
    let rounded = || number.as_f64().filter(|number| number.abs() < 1e18).map(|number| number.floor() as i128);
    whole.or_else(rounded)
}

/// The issuer that a JWT says it is from, unproven: to find whose keys to check it with.
pub(crate) fn unproven_issuer(text: &str) -> Result<String, JwtError> {
    #[derive(Deserialize)]
    struct Claims {
        iss: String,
    }
    header(text)?;
    let claims: Claims = jsonwebtoken::dangerous::insecure_decode_claims(text).map_err(|_| JwtError::Malformed)?;
    Ok(claims.iss)
}

fn header(text: &str) -> Result<Header, JwtError> {
    if text.len() > MAX_JWT {
        return Err(JwtError::TooLong);
    }
    // An algorithm that the library does not know, `none` among them, is a header that cannot be read.
    decode_header(text).map_err(|_| JwtError::Malformed)
}

/// The longest JWT, in bytes.
const MAX_JWT: usize = 8 * 1024;

fn signed_claims(text: &str, key: &SigningKey) -> Option<Map<String, Value>> {
    let mut validation = Validation::new(key.algorithm.jsonwebtoken());
    // Only the signature: the claims are checked by our own clock, in our own order.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    decode(text, &key.key, &validation).ok().map(|token| token.claims)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_of_other_kinds_for_other_uses_or_too_weak_are_left_out() {
        let rsa = |digits: usize| json!({ "kty": "RSA", "kid": "r", "n": format!("{}w", "x".repeat(digits - 1)), "e": "AQAB" });
        let with = |mut key: Value, name: &str, value: &str| {
            key[name] = value.into();
            key
        };
        let kept = |key: Value| KeySet::from_jwks(json!({ "keys": [key] }).to_string().as_bytes()).is_ok();
        assert!(kept(rsa(342)));
        assert!(kept(with(rsa(342), "alg", "RS256")));
        assert!(kept(with(rsa(342), "use", "sig")));
        for left_out in [
            rsa(171),
            rsa(340),
            with(rsa(171), "n", &format!("{}{}w", "A".repeat(171), "x".repeat(170))),
            with(rsa(342), "use", "enc"),
            with(rsa(342), "alg", "HS256"),
            with(rsa(342), "alg", "RS512"),
            json!({ "kty": "oct", "k": "c2VjcmV0" }),
            json!({ "kty": "EC", "crv": "P-384", "x": "x".repeat(64), "y": "x".repeat(64) }),
            json!({ "kty": "future" }),
            json!(7),
        ] {
            assert!(!kept(left_out.clone()), "{left_out}");
        }
        assert!(KeySet::from_jwks(b"[]").is_err());
    }

    #[test]
    fn dates_are_numbers() {
        assert_eq!(seconds(&json!(1_800_000_000)), Some(1_800_000_000));
        assert_eq!(seconds(&json!(1_800_000_000.9)), Some(1_800_000_000));
        for value in [json!("1800000000"), json!(null), json!(true), json!(1e300)] {
            assert_eq!(seconds(&value), None, "{value}");
        }
    }
}
