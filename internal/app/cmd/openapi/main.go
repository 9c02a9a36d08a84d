// Openapi prints the description of the API as sendoff openapi does. Unlike that it
// builds without the clients that are generated from it.
package main

import (
	"log"
	"os"

	"github.com/sendoff/sendoff/internal/app"
)

func main() {
	spec, err := app.OpenAPI("http://127.0.0.1:8080")
	if err == nil {
		_, err = os.Stdout.Write(spec)
	}
	if err != nil {
		log.Fatal(err)
	}
}
