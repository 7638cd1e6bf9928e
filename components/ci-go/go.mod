module github.com/slipway-dev/slipway/components/ci-go

go 1.26

require golang.org/toolchain v0.0.1-go1.26.8.linux-amd64
