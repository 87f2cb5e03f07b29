//go:build tools

// Package tools keeps the Pulumi CLI among this module's requirements: without an import,
// `go mod tidy` would drop the very module that is built here.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
