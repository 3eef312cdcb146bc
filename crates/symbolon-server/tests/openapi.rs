//! The document at `/v1/openapi.json`: every route that it names answers as it says.

mod support;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::{Reply, TestServer};
use symbolon_server::NewKey;

/// One operation of the document.
struct Route<'a> {
    method: String,
    path: &'a str,
    operation: &'a Value,
    document: &'a Value,
}

impl Route<'_> {
    /// The path with the examples of the document, but for these.
    fn filled(&self, instead: &[(&str, &str)]) -> String {
        let mut path = self.path.to_owned();
        for parameter in self.operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let example = parameter["example"].as_str().map_or_else(|| parameter["example"].to_string(), str::to_owned);
            let value = instead.iter().find(|(known, _)| *known == name).map_or(&*example, |(_, value)| value);
            match parameter["in"].as_str() {
                Some("path") => path = path.replace(&format!("{{{name}}}"), value),
                _ => path.push_str(&format!("?{name}={value}")),
            }
        }
        path
    }

    fn body(&self) -> String {
        let example = &self.operation["requestBody"]["content"]["application/json"]["example"];
        if example.is_null() { String::new() } else { example.to_string() }
    }

    async fn ask(&self, server: &TestServer, key: &str, path: &str, body: &str) -> Reply {
        let bearer = format!("Bearer {key}");
        let mut headers = vec![("Content-Type", "application/json")];
        headers.extend((!key.is_empty()).then_some(("Authorization", &*bearer)));
        server.request(&self.method, path, &headers, body).await
    }

    /// Holds an answer to what is said about its status: the content type, and the fields.
    fn assert_documented(&self, status: u16, reply: &Reply) {
        assert_eq!(reply.status, status, "{} {reply:?}", self.path);
        let said = &self.operation["responses"][status.to_string()]["content"];
        let said = said.as_object().unwrap_or_else(|| panic!("{} says nothing of {status}", self.path));
        let content_type = reply.header("content-type").expect("a content type");
        let content = said.get(content_type).unwrap_or_else(|| panic!("{}: {content_type}", self.path));
        let name = content["schema"]["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        let schema = &self.document["components"]["schemas"][name];
        if schema["type"] == "object" {
            let answer = reply.json();
            let fields: BTreeSet<&str> = answer.as_object().unwrap().keys().map(String::as_str).collect();
            let known: BTreeSet<&str> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
            assert!(fields.is_subset(&known), "{name}: {fields:?}");
            for needed in schema["required"].as_array().unwrap() {
                assert!(fields.contains(needed.as_str().unwrap()), "{name}: {needed}");
            }
        } else {
            assert!(reply.body.ends_with('\n') && reply.body.lines().count() == 1, "{reply:?}");
        }
    }

    fn says(&self, status: u16) -> bool {
        !self.operation["responses"][status.to_string()].is_null()
    }
}

async fn document(server: &TestServer) -> Value {
    let reply = server.get("/v1/openapi.json").await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), Some("application/json; charset=utf-8"));
    reply.json()
}

fn routes(document: &Value) -> Vec<Route<'_>> {
    let paths = document["paths"].as_object().unwrap().iter();
    let routes = paths.flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter();
        operations.map(move |(method, operation)| Route { method: method.to_uppercase(), path, operation, document })
    });
    routes.collect()
}

#[tokio::test]
async fn every_route_answers_its_own_example() {
    let server = TestServer::open(ALL_ROUTES).await;
    let document = document(&server).await;
    let routes = routes(&document);
    assert_eq!(routes.len(), 18);
    for route in routes {
        let reply = route.ask(&server, "", &route.filled(&[]), &route.body()).await;
        route.assert_documented(200, &reply);
    }
}

#[tokio::test]
async fn every_route_refuses_as_documented() {
    let key = NewKey::from_entropy([7; 40]);
    let policy = json!({ "channels": ["elsewhere"], "uid": "any", "roles": ["publisher"] });
    let keys = json!([{ "id": key.id, "hash": key.hash.to_string(), "policy": policy }]).to_string();
    let with_all_routes = async |more: &[(&str, &str)]| TestServer::open(&[more, ALL_ROUTES].concat()).await;
    let known = with_all_routes(&[("SYMBOLON_OPEN", "0"), ("SYMBOLON_API_KEYS", &keys)]).await;
    let open = with_all_routes(&[]).await;
    let busy = with_all_routes(&[("SYMBOLON_LIMIT_PER_ADDRESS", "1"), ("SYMBOLON_LIMIT_PER_ADDRESS_BURST", "1")]).await;
    let document = document(&known).await;
    for route in routes(&document).iter().filter(|route| route.path != "/ping") {
        let (path, body) = (route.filled(&[]), route.body());
        route.assert_documented(401, &route.ask(&known, "", &path, &body).await);
        route.assert_documented(403, &route.ask(&known, &key.text, &path, &body).await);
        let wrong = route.ask(&open, "", &route.filled(&[("expiry", "0"), ("uid", "%FF")]), "{").await;
        route.assert_documented(400, &wrong);
        let mut reply = route.ask(&busy, "", &path, &body).await;
        for _ in 0..10 {
            if reply.status == 429 {
                break;
            }
            reply = route.ask(&busy, "", &path, &body).await;
        }
        route.assert_documented(429, &reply);
        if route.says(413) {
            let long = format!(r#"{{"channel":"{}"}}"#, "x".repeat(17_000));
            route.assert_documented(413, &route.ask(&open, "", &path, &long).await);
            let headers = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")];
            route.assert_documented(415, &open.request(&route.method, &path, &headers, &body).await);
        }
        if route.says(405) {
            route.assert_documented(405, &open.request("PUT", &path, &[], "").await);
        }
    }
}

/// Those too that are off by default.
const ALL_ROUTES: &[(&str, &str)] =
    &[("SYMBOLON_ROUTES", "fetch,generate,node,access_token,middleware"), ("SYMBOLON_ISSUE_006", "1")];
