//! A server with the role `token`: tokens over HTTP, and nothing that needs media.

mod support;

use std::net::UdpSocket;

use support::TestServer;

#[tokio::test]
async fn a_token_server_makes_tokens_and_opens_no_udp_port() {
    let server = TestServer::open(&[("SYMBOLON_ROLE", "token")]).await;
    assert_eq!(server.get("/rtc/room-1/publisher/uid/7/").await.claims("rtcToken").services().len(), 1);
    assert_eq!(server.get("/readyz").await.status, 200);
    assert_eq!(server.get("/inspect").await.status, 200);
    for path in ["/", "/sdk/index.js", "/v1/signal"] {
        let reply = server.get(path).await;
        assert_eq!(reply.status, 404, "{path}");
        assert!(reply.body.contains("role token"), "{path} {}", reply.body);
    }
    UdpSocket::bind(server.address).expect("nobody listens there");
    assert!(server.metrics().await.contains("symbolon_tokens_total{kind=\"rtc\",outcome=\"minted\"} 1"));
}

#[tokio::test]
async fn a_token_server_ends_in_order() {
    let mut server = TestServer::open(&[("SYMBOLON_ROLE", "token")]).await;
    server.get("/ping").await;
    server.stop().await;
}
