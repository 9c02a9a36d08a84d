# The image holds the binary, the certificates of the usual authorities and a
# wget for health checks: no shell, no package manager, no root.
#
#   docker build --build-arg VERSION=$(git describe --tags --always) -t sendoff .

FROM node:20-bookworm-slim AS web
WORKDIR /src/web
COPY web/ ./
RUN npm ci --ignore-scripts && npm run build

FROM golang:1.26-bookworm AS build
WORKDIR /src
# The tag image leaves out the stand-in of Redis, which only `sendoff dev` uses.
# Modules change seldom: their layer is kept while the sources change.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=web /src/web/dist/app web/dist/app
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -tags image -ldflags "-s -w -X github.com/sendoff/sendoff/internal/version.version=$VERSION" \
      -o /image/usr/local/bin/sendoff ./cmd/sendoff \
 && mkdir -p /image/etc/ssl/certs \
 && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
 && mkdir -m 1777 /image/tmp

FROM busybox:1.37-musl AS busybox

FROM scratch
COPY --from=build /image/ /
COPY --from=busybox /bin/busybox /bin/wget
USER 65532:65532
ENV SENDOFF_LISTEN=:8080
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/sendoff"]
CMD ["serve"]
