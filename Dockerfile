# The images of Labledger, selected by docker-compose.yml and docker-compose.prod.yml:
#   dev     rebuilds and runs the server on each save
#   api     contains only the program
#   tools   contains the program and PostgreSQL's client programs
#   proxy   is nginx with our configuration

ARG GO_IMAGE=golang:1.26-bookworm
ARG BASE_IMAGE=gcr.io/distroless/static-debian12:nonroot
ARG POSTGRES_IMAGE=postgres:17-bookworm
ARG NGINX_IMAGE=nginxinc/nginx-unprivileged:1.28-alpine

FROM ${GO_IMAGE} AS dev
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go install github.com/air-verse/air@v1.67.4
WORKDIR /src
CMD ["air"]

FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=unknown
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w -X labledger/internal/cli.buildVersion=${VERSION}" -o /out/labledger . \
    && mkdir -p /out/media && /out/labledger static /out/static

# Contains no shell and no package manager; the program checks its own health.
# The media directory exists so that a new volume inherits its owner.
FROM ${BASE_IMAGE} AS api
COPY --from=build /out/labledger /labledger
COPY --from=build --chown=65532:65532 /out/media /var/lib/labledger/media
USER 65532:65532
ENV HOST=0.0.0.0 PORT=5000 STATE_DIR=/tmp MEDIA_DIR=/var/lib/labledger/media
EXPOSE 5000
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 CMD ["/labledger", "health"]
ENTRYPOINT ["/labledger"]

# For labledger backup, restore and psql, which run pg_dump, pg_restore and psql.
FROM ${POSTGRES_IMAGE} AS tools
COPY --from=build /out/labledger /usr/local/bin/labledger
RUN mkdir /backups && chown postgres /backups
USER postgres
WORKDIR /backups
ENTRYPOINT ["labledger"]

FROM ${NGINX_IMAGE} AS proxy
COPY nginx/*.conf /etc/nginx/
COPY --from=build /out/static /usr/share/nginx/static
COPY --chmod=755 nginx/settings.sh /docker-entrypoint.d/15-labledger-settings.sh
EXPOSE 8080 8443
