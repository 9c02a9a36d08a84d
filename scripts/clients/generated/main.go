// Command generated sends a message with the client that oapi-codegen generates,
// and prints its status when that is final: generated BASE_URL API_KEY NUMBER.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"sendoff.dev/generated/api"
)

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(base, key, to string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client, err := api.NewClientWithResponses(base, api.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+key)
		return nil
	}))
	if err != nil {
		return err
	}
	send := api.SendRequest{To: to, Type: api.SendRequestTypeTemplate, Template: &api.TemplateRequest{Name: new("hello_world")}}
	sent, err := client.PostMessagesWithResponse(ctx, &api.PostMessagesParams{}, send)
	if err != nil {
		return err
	}
	if sent.JSON202 == nil {
		return fmt.Errorf("not accepted: %s %s", sent.Status(), sent.Body)
	}
	bad, err := client.GetMessagesIdWithResponse(ctx, "nonsense", &api.GetMessagesIdParams{})
	if err != nil {
		return err
	}
	if bad.ApplicationproblemJSON4XX == nil || bad.ApplicationproblemJSON4XX.Code != api.ProblemCodeNotFound {
		return fmt.Errorf("a refusal: %s %s", bad.Status(), bad.Body)
	}
	wait, status := float32(20), "delivered"
	got, err := client.GetMessagesIdWithResponse(ctx, *sent.JSON202.MessageId, &api.GetMessagesIdParams{Wait: &wait, Status: &status})
	if err != nil {
		return err
	}
	if got.JSON200 == nil {
		return fmt.Errorf("not found: %s %s", got.Status(), got.Body)
	}
	fmt.Println(got.JSON200.Status)
	return nil
}
