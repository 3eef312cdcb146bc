# The image of the server. Nothing secret goes in: the app and its certificate come from the environment at run time.
FROM rust:1.94-slim-bookworm AS build
RUN apt-get update \
  && apt-get install -y --no-install-recommends cmake=3.* g++=4:* libc6-dev=2.* make=4.* \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package symbolon --bin symbolon \
  && mkdir -p /state

FROM debian:bookworm-slim
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates=2023* \
  && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/target/release/symbolon /usr/local/bin/symbolon
COPY --from=build --chown=10001:10001 /state /var/lib/symbolon
ENV SYMBOLON_STATE_DIR=/var/lib/symbolon
USER 10001:10001
VOLUME /var/lib/symbolon
EXPOSE 8080/tcp 8080/udp
HEALTHCHECK --interval=15s --timeout=5s --start-period=5s CMD ["/usr/local/bin/symbolon", "health"]
ENTRYPOINT ["/usr/local/bin/symbolon"]
CMD ["serve"]
