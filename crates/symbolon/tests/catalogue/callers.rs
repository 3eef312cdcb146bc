//! Who is asking, with API keys (H-33, H-46, H-48, H-49, H-51).

use crate::house::House;

const PATH: &str = "/rtc/room-1/publisher/uid/1001/";

#[test]
fn h_33_no_credentials() {
    let house = House::new();
    for path in [PATH, "/rtm/1001/", "/rte/room-1/publisher/uid/1001/", "/chat/app/", "/rtc/nothing/publisher/uid/1/"] {
        let answer = house.request("GET", path, &[], "");
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(answer.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")), "{answer:?}");
    }
    let other_app = r#"{"tokenType":"rtc","channel":"room-1","uid":"1","appId":"4210f8b8acb2688dd1ee490aeb035c3d"}"#;
    let known = house.request("POST", "/getToken", &[], r#"{"tokenType":"rtc","channel":"room-1","uid":"1"}"#);
    let unknown = house.request("POST", "/getToken", &[], other_app);
    assert_eq!((known.status, &known.body), (401, &unknown.body));
    house.end();
}

#[test]
fn h_48_a_role_beyond_the_callers_scope() {
    let house = House::new();
    let answer = house.get_as(PATH, &house.listener);
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(answer.body.contains("role"), "{answer:?}");
    house.get_as("/rtc/room-1/subscriber/uid/1001/", &house.listener).assert_is_for("room-1", "1001", false);
    assert_eq!(house.get_as(PATH, &house.team).status, 403, "another team's channel");
    house.get_as("/rtc/team-a-7/publisher/uid/1001/", &house.team).assert_is_for("team-a-7", "1001", true);
    assert_eq!(house.get_as("/rtc/team-a-7/publisher/uid/0/", &house.team).status, 403, "the token for any user");
    house.end();
}
