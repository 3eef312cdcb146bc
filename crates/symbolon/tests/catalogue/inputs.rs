//! What requests may say: names, roles, uids, lives, bodies (H-01 to H-19).

use serde_json::json;

use crate::house::House;

#[test]
fn h_01_encoded_slashes_in_the_channel() {
    let house = House::new();
    let answer = house.get("/rtc/..%2f..%2f..%2fetc%2fpasswd/publisher/uid/1001/");
    assert!(matches!(answer.status, 400 | 404), "{answer:?}");
    house.end();
}

#[test]
fn h_02_double_encoding_is_decoded_once() {
    let house = House::new();
    house.get("/rtc/%252e%252e/publisher/uid/1001/").assert_is_for("%2e%2e", "1001", true);
    house.end();
}

#[test]
fn h_03_dot_segments_reach_no_other_route() {
    let house = House::new();
    assert_eq!(house.get("/rtc/../admin/publisher/uid/1001/").status, 404);
    assert_eq!(house.get("/rtc/../metrics").status, 404);
    house.end();
}

#[test]
fn h_04_encoded_line_ends_add_no_header() {
    let house = House::new();
    let before = house.said().lines().count();
    let answer = house.get("/rtc/room%0d%0aSet-Cookie:%20x=1/publisher/uid/1001/");
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.header("set-cookie"), None);
    assert!(house.said().lines().count() <= before + 1, "{}", house.said());
    house.end();
}

#[test]
fn h_05_shell_template_and_query_characters_are_signed_as_they_are() {
    let house = House::new();
    for (encoded, channel) in [
        ("$(id)", "$(id)"),
        (";id", ";id"),
        ("%7Cid", "|id"),
        ("%7B%7B7+7%7D%7D", "{{7+7}}"),
        ("1;DROP%20TABLE%20x", "1;DROP TABLE x"),
        ("$%7Bjndi:x%7D", "${jndi:x}"),
    ] {
        house.get(&format!("/rtc/{encoded}/publisher/uid/1001/")).assert_is_for(channel, "1001", true);
    }
    house.end();
}

#[test]
fn h_06_unknown_and_oddly_cased_roles() {
    let roles = ["Publisher", "PUBLISHER", "admin", "3", "publisher%20", ""];
    let house = House::new();
    for role in roles {
        assert_eq!(house.get(&format!("/rtc/room-1/{role}/uid/1001/")).status, 400, "{role:?}");
    }
    house.end();
    let lenient = House::with(&[("SYMBOLON_STRICT", "0")]);
    for role in roles {
        lenient.get(&format!("/rtc/room-1/{role}/uid/1001/")).assert_is_for("room-1", "1001", false);
    }
    lenient.end();
}

#[test]
fn h_07_a_uid_that_would_wrap_to_any() {
    let house = House::new();
    for uid in ["4294967296", "4294968297", "18446744073709551616"] {
        let body = json!({ "tokenType": "rtc", "channel": "room-1", "uid": uid, "role": "publisher" });
        assert_eq!(house.post(&body.to_string()).status, 400, "{uid}");
        assert_eq!(house.get(&format!("/rtc/room-1/publisher/uid/{uid}/")).status, 400, "{uid}");
    }
    house.end();
}

#[test]
fn h_08_a_uid_with_spaces_sign_or_zeros_is_never_another_users() {
    let house = House::new();
    let not_her = json!([{ "id": "k", "hash": symbolon_server::NewKey::from_entropy([9; 40]).hash.to_string(),
        "policy": { "channels": ["room-1"], "uid": "is:7", "roles": ["publisher"] } }])
    .to_string();
    house.end();
    let house = House::with(&[("SYMBOLON_API_KEYS", &not_her)]);
    let text = symbolon_server::NewKey::from_entropy([9; 40]).text;
    let key = format!("Bearer sym_k_{}", text.rsplit('_').next().expect("a secret"));
    house.secret(&key);
    let post = |uid: &str| {
        let body = json!({ "tokenType": "rtc", "channel": "room-1", "uid": uid, "role": "publisher" }).to_string();
        house.request("POST", "/getToken", &[("Authorization", &key)], &body)
    };
    post("7").assert_is_for("room-1", "7", true);
    for uid in ["1001", " 1001", "+1001", "1001\n", "01001", "1001 ", "\u{661}001"] {
        let answer = post(uid);
        assert!(matches!(answer.status, 400 | 403), "{uid:?} {answer:?}");
    }
    house.end();
}

#[test]
fn h_09_a_negative_life() {
    let house = House::new();
    for life in [-1, -86_400] {
        let body = json!({ "tokenType": "rtc", "channel": "room-1", "uid": "1001", "expire": life });
        assert_eq!(house.post(&body.to_string()).status, 400, "{life}");
        assert_eq!(house.get(&format!("/rtc/room-1/publisher/uid/1001/?expiry={life}")).status, 400, "{life}");
    }
    house.end();
}

#[test]
fn h_10_over_a_day() {
    let house = House::new();
    let post = |life: u32| {
        house.post(&json!({ "tokenType": "rtc", "channel": "room-1", "uid": "1001", "expire": life }).to_string())
    };
    assert_eq!(post(86_401).status, 400);
    assert_eq!(post(86_400).claims().expire(), 86_400);
    assert_eq!(house.get("/rtc/room-1/publisher/uid/1001/?expiry=86401").status, 400);
    assert_eq!(house.get("/rtc/room-1/publisher/uid/1001/?expiry=86400").claims().expire(), 86_400);
    house.end();
}

#[test]
fn h_11_a_life_that_overflows() {
    let house = House::new();
    for life in ["4294967296", "4294967356", "9223372036854775808", "1e309"] {
        let body = format!(r#"{{"tokenType":"rtc","channel":"room-1","uid":"1001","expire":{life}}}"#);
        assert_eq!(house.post(&body).status, 400, "{life}");
        assert_eq!(house.get(&format!("/rtc/room-1/publisher/uid/1001/?expiry={life}")).status, 400, "{life}");
    }
    house.end();
}

#[test]
fn h_12_odd_lives_in_the_query() {
    let house = House::new();
    for life in ["", "abc", "%2B60", "0x3c", "60.0", "%2060", "-60", "0"] {
        assert_eq!(house.get(&format!("/rtc/room-1/publisher/uid/1001/?expiry={life}")).status, 400, "{life:?}");
    }
    assert_eq!(house.get("/rtc/room-1/publisher/uid/1001/?expiry=6%30").claims().expire(), 60, "decoded once");
    house.end();
}

#[test]
fn h_13_a_repeated_parameter_never_gives_the_longer_life() {
    let house = House::new();
    let answer = house.get("/rtc/room-1/publisher/uid/1001/?expiry=60&expiry=86400");
    assert!(answer.status == 400 || answer.claims().expire() == 60, "{answer:?}");
    house.end();
}

#[test]
fn h_14_deep_json() {
    let house = House::new();
    for body in ["[".repeat(16_000), "[".repeat(100_000), format!("{{\"uid\":{}", "{\"a\":".repeat(2_500))] {
        let answer = house.post(&body);
        assert!(matches!(answer.status, 400 | 413), "{}", answer.status);
    }
    house.end();
}

#[test]
fn h_15_unknown_keys_have_no_effect_on_the_compatible_route() {
    let house = House::new();
    let body = json!({ "tokenType": "rtc", "channel": "room-1", "uid": "1001", "isAdmin": true, "appCertificate": "x",
                       "privileges": { "4": 86400 }, "role": "subscriber" });
    house.post(&body.to_string()).assert_is_for("room-1", "1001", false);
    house.end();
}

#[test]
fn h_16_what_follows_the_first_document_is_ignored_and_not_logged() {
    let house = House::new();
    let good = r#"{"tokenType":"rtc","channel":"room-1","uid":"1001"}"#;
    let second = r#"{"tokenType":"rtc","channel":"zweites-zimmer","uid":"1","role":"publisher"}"#;
    house.post(&format!("{good}{second}")).assert_is_for("room-1", "1001", false);
    house.post(&format!("{good} zweites-zimmer")).assert_is_for("room-1", "1001", false);
    assert!(!house.said().contains("zweites-zimmer"));
    house.end();
}

#[test]
fn h_17_the_compatible_route_reads_any_content_type_but_no_cookie() {
    let house = House::new();
    let body = r#"{"tokenType":"rtc","channel":"room-1","uid":"1001"}"#;
    let bearer = format!("Bearer {}", house.anything);
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8"] {
        let headers = [("Authorization", &*bearer), ("Content-Type", content_type)];
        assert_eq!(house.request("POST", "/getToken", &headers, body).status, 200, "{content_type}");
    }
    let cookie = format!("token={0}; Authorization=Bearer {0}", house.anything);
    assert_eq!(house.request("POST", "/getToken", &[("Cookie", &cookie)], body).status, 401);
    house.end();
}

#[test]
fn h_18_other_encodings_of_text() {
    let house = House::new();
    let good = r#"{"tokenType":"rtc","channel":"room-1","uid":"1001"}"#;
    let head = |length: usize| {
        format!(
            "POST /getToken HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {}\r\nContent-Length: {length}\r\n\r\n",
            house.address, house.anything
        )
        .into_bytes()
    };
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let bom = [b"\xef\xbb\xbf", good.as_bytes()].concat();
    let surrogate = br#"{"tokenType":"rtc","channel":"\ud800","uid":"1001"}"#.to_vec();
    let latin = b"{\"tokenType\":\"rtc\",\"channel\":\"caf\xe9\",\"uid\":\"1001\"}".to_vec();
    for body in [utf16, bom, surrogate, latin] {
        let answer = house.send(&[head(body.len()), body].concat());
        assert_eq!(answer.status, 400, "{answer:?}");
    }
    house.end();
}

#[test]
fn h_19_a_compressed_body_is_not_inflated() {
    let house = House::new();
    let bearer = format!("Bearer {}", house.anything);
    for encoding in ["gzip", "deflate", "br", "zstd", "gzip, identity"] {
        let headers = [("Authorization", &*bearer), ("Content-Encoding", encoding)];
        assert_eq!(house.request("POST", "/getToken", &headers, &"\x1f".repeat(10_240)).status, 415, "{encoding}");
    }
    house.end();
}
