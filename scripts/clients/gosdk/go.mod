// Public Go SDKs that ../gosdk.mjs runs. Its modules are not the product's.
module sendoff.dev/gosdk

go 1.26.0

require (
	github.com/svix/svix-webhooks v1.44.0
	github.com/twilio/twilio-go v1.31.0
)

require (
	github.com/golang-jwt/jwt/v5 v5.2.2 // indirect
	github.com/golang/mock v1.6.0 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	gopkg.in/validator.v2 v2.0.1 // indirect
)
