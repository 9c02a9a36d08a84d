package metaapi_test

import (
	"net/http"
	"testing"

	"github.com/sendoff/sendoff/internal/dialect/dialecttest"
	"github.com/sendoff/sendoff/internal/dialect/metaapi"
)

func TestMetaAPI(t *testing.T) { dialecttest.Run(t, metaapi.New()) }

func TestCredential(t *testing.T) {
	for header, want := range map[string]string{
		"Bearer sk_live_1": "sk_live_1", "bearer  sk_live_1 ": "sk_live_1", "Basic abc": "", "": "", "Bearer": "",
	} {
		r := &http.Request{Header: http.Header{"Authorization": {header}}}
		if got := metaapi.New().Credential(r); got != want {
			t.Errorf("%q gives %q, want %q", header, got, want)
		}
	}
}

func FuzzMetaAPI(f *testing.F) { dialecttest.Fuzz(f, metaapi.New()) }

func TestMetaAPI_Documented(t *testing.T) { dialecttest.Documented(t, metaapi.New()) }
