package admin_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/provider"
)

// newTemplate is a template with two variables.
func newTemplate(name string) admin.TemplateCreate {
	return admin.TemplateCreate{TemplateUpdate: admin.TemplateUpdate{
		Name: &name, Language: new("en"), Category: new("utility"),
		Components: &[]template.Component{{Type: "body", Text: "Hi {{1}}, order {{2}}.", Variables: []string{"who", "order"}}},
	}}
}

func (f *fixture) createTemplate(in admin.TemplateCreate) *admin.Template {
	f.t.Helper()
	v, err := f.CreateTemplate(f.t.Context(), f.who, in)
	if err != nil {
		f.t.Fatal(err)
	}
	return v
}

func TestTemplate_CreatedChangedReplacedDeleted(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	v := f.createTemplate(newTemplate("order"))
	if v.Status != "approved" || v.ParameterFormat != "positional" || v.Components[0].Type != "BODY" ||
		fmt.Sprint(v.Variables) != "[who order]" ||
		v.Location() != "/v1/templates/1" {
		t.Errorf("created %+v", v)
	}
	v, err := f.UpdateTemplate(
		t.Context(),
		f.who,
		v.ID,
		admin.TemplateUpdate{Status: new("paused"), Components: &[]template.Component{{Type: "BODY", Text: "Hi {{name}}"}}},
	)
	if err != nil || v.Status != "paused" || v.Name != "order" || v.ParameterFormat != "named" || fmt.Sprint(v.Variables) != "[name]" {
		t.Errorf("changed %+v, %v", v, err)
	}
	v, err = f.ReplaceTemplate(t.Context(), f.who, v.ID, newTemplate("order2"))
	if err != nil || v.Status != "approved" || v.Name != "order2" || v.ParameterFormat != "positional" {
		t.Errorf("replaced %+v, %v", v, err)
	}
	_, err = f.CreateTemplate(t.Context(), f.who, newTemplate("order2"))
	refused(t, err, dispatch.Conflict)
	if !strings.Contains(err.Error(), "a template named order2 in en exists") {
		t.Error(err)
	}
	_, err = f.UpdateTemplate(t.Context(), f.stranger, v.ID, admin.TemplateUpdate{})
	refused(t, err, dispatch.NotFound)
	refused(t, f.DeleteTemplate(t.Context(), f.stranger, v.ID), dispatch.NotFound)
	if err := f.DeleteTemplate(t.Context(), f.who, v.ID); err != nil {
		t.Error(err)
	}
	f.noted("template.create template:1", "template.update template:1", "template.update template:1", "template.delete template:1")
}

func TestTemplate_Faults(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.CreateTemplate(t.Context(), f.who, admin.TemplateCreate{})
	refused(t, err, dispatch.Invalid, "/name", "/language", "/category", "/components")
	f.createTemplate(newTemplate("order"))
	for at, in := range map[string]admin.TemplateUpdate{
		"/name":                 {Name: new("Order!")},
		"/language":             {Language: new("english please")},
		"/category":             {Category: new("news")},
		"/status":               {Status: new("fine")},
		"/parameter_format":     {ParameterFormat: new("odd")},
		"/components":           {Components: &[]template.Component{}},
		"/channel_id":           {Channel: input.Some(int64(9))},
		"/provider":             {Provider: new("meta"), ProviderTemplateID: new("1")},
		"/provider_template_id": {Provider: new("gupshup")},
	} {
		_, err := f.UpdateTemplate(t.Context(), f.who, 1, in)
		refused(t, err, dispatch.Invalid, at)
	}
}

// A channel of a vendor that keeps its templates itself decides the vendor.
func TestTemplate_BoundToAChannel(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.createChannel(metaChannel())
	f.createChannel(smsChannel("SENDOF"))
	gupshup := f.createChannel(admin.ChannelCreate{Provider: "gupshup", ChannelFields: admin.ChannelFields{
		Name: new("G"), Sender: new("+919999900000"), Settings: values("app_name", "A"), Secrets: values("apikey", "k"),
	}})
	in := newTemplate("order")
	in.Channel, in.ProviderTemplateID = input.Some(gupshup.ID), new("a-uuid")
	v := f.createTemplate(in)
	if v.Provider != "gupshup" || v.Channel != gupshup.ID {
		t.Errorf("created %+v", v)
	}
	if v, err := f.UpdateTemplate(t.Context(), f.who, v.ID, admin.TemplateUpdate{Channel: input.Some(int64(1))}); err != nil ||
		v.Provider != "" ||
		v.Channel != 1 {
		t.Errorf("moved %+v, %v", v, err)
	}
	if v, err := f.UpdateTemplate(t.Context(), f.who, v.ID, admin.TemplateUpdate{Channel: input.Null[int64]()}); err != nil ||
		v.Channel != 0 {
		t.Errorf("freed %+v, %v", v, err)
	}
	in.Provider, in.Channel = new("twilio"), input.Some(int64(1))
	_, err := f.CreateTemplate(t.Context(), f.who, in)
	refused(t, err, dispatch.Invalid, "/provider")
	in.Provider, in.Channel = nil, input.Some(int64(2))
	_, err = f.CreateTemplate(t.Context(), f.who, in)
	refused(t, err, dispatch.Invalid, "/channel_id")
	_, err = f.CreateTemplate(t.Context(), f.stranger, in)
	refused(t, err, dispatch.Invalid, "/channel_id")
}

func TestTemplates_Filtered(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.createTemplate(newTemplate("order"))
	other := newTemplate("refund")
	other.Language, other.Category, other.Status = new("de"), new("marketing"), new("pending")
	f.createTemplate(other)
	for _, c := range []struct {
		in   admin.TemplateFilter
		want string
	}{
		{admin.TemplateFilter{}, "order refund"},
		{admin.TemplateFilter{Search: "ORD"}, "order refund"},
		{admin.TemplateFilter{Search: "refund"}, "refund"},
		{admin.TemplateFilter{Status: "approved"}, "order"},
		{admin.TemplateFilter{Language: "de"}, "refund"},
		{admin.TemplateFilter{Category: "utility"}, "order"},
		{admin.TemplateFilter{Channel: "1"}, ""},
		{admin.TemplateFilter{Paging: admin.Paging{Limit: 1}}, "order"},
	} {
		p, err := f.Templates(t.Context(), f.who, c.in)
		var names []string
		for _, v := range p.Data {
			names = append(names, v.Name)
		}
		if err != nil || strings.Join(names, " ") != c.want {
			t.Errorf("%+v: %v, %v", c.in, names, err)
		}
	}
}

func TestPreviewTemplate_FillsAsAMessageWould(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.createTemplate(newTemplate("order"))
	bare, err := f.PreviewTemplate(t.Context(), f.who, 1, admin.TemplateValues{})
	if err != nil || bare.Text != "Hi {{1}}, order {{2}}." || len(bare.Components) != 0 || fmt.Sprint(bare.Variables) != "[who order]" {
		t.Errorf("%+v, %v", bare, err)
	}
	for _, given := range []string{`["Ada",7]`, `{"who":"Ada","order":"7"}`} {
		if v, err := f.PreviewTemplate(t.Context(), f.who, 1, admin.TemplateValues{Variables: input.Raw(given)}); err != nil ||
			v.Text != "Hi Ada, order 7." ||
			len(v.Components) != 1 {
			t.Errorf("%s: %+v, %v", given, v, err)
		}
	}
	_, err = f.PreviewTemplate(t.Context(), f.who, 1, admin.TemplateValues{Variables: input.Raw(`["Ada"]`)})
	refused(t, err, dispatch.Invalid, "/variables")
	_, err = f.PreviewTemplate(t.Context(), f.who, 1, admin.TemplateValues{HeaderMediaURL: strings.Repeat("x", 2001)})
	refused(t, err, dispatch.Invalid, "/header_media_url")
	_, err = f.PreviewTemplate(t.Context(), f.stranger, 1, admin.TemplateValues{})
	refused(t, err, dispatch.NotFound)
}

// lister is a provider that lists templates.
type lister struct {
	provider.Provider
	list []template.Template
	err  error
}

// Templates returns the list.
func (l *lister) Templates(context.Context, *dispatch.Channel) ([]template.Template, error) {
	return l.list, l.err
}

func TestSyncTemplates(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ch := f.createChannel(metaChannel())
	l := &lister{Provider: f.Providers["meta"], list: []template.Template{
		{Name: "a", Language: "en", Category: "UTILITY", Status: "APPROVED", Components: []template.Component{{Type: "BODY", Text: "x"}}},
		{Name: "b", Language: "en", Category: "MARKETING", Status: "PAUSED"},
	}}
	f.Providers["meta"] = l
	sync := func(ref string) (*admin.TemplateCounts, error) {
		return f.SyncTemplates(t.Context(), f.who, admin.SyncOf(ref))
	}
	if n, err := sync(ch.Key); err != nil || *n != (admin.TemplateCounts{Created: 2}) {
		t.Errorf("%+v, %v", n, err)
	}
	l.list = l.list[:1]
	if n, err := sync("1"); err != nil || *n != (admin.TemplateCounts{Updated: 1, Disabled: 1}) {
		t.Errorf("%+v, %v", n, err)
	}
	l.err = &provider.Error{Kind: provider.Denied, Msg: "token hidden-1 is bad"}
	_, err := sync("1")
	refused(t, err, dispatch.Invalid, "/channel")
	if strings.Contains(dispatch.AsError(err).Msg, "hidden-1") {
		t.Errorf("shows the token: %v", err)
	}
	l.err = errors.New("connection refused")
	_, err = sync("1")
	refused(t, err, dispatch.Overloaded)
	for raw, code := range map[string]dispatch.Code{
		`"x"`: dispatch.ChannelNotFound, `77`: dispatch.ChannelNotFound, `[1]`: dispatch.Invalid,
		`""`: dispatch.Invalid,
	} {
		_, err = f.SyncTemplates(t.Context(), f.who, admin.TemplateSync{Channel: input.Raw(raw)})
		refused(t, err, code, "/channel")
	}
	_, err = f.SyncTemplates(t.Context(), f.who, admin.TemplateSync{})
	refused(t, err, dispatch.Invalid, "/channel")
	_, err = f.SyncTemplates(t.Context(), f.stranger, admin.SyncOf("1"))
	refused(t, err, dispatch.ChannelNotFound, "/channel")
	f.createChannel(smsChannel("SENDOF"))
	_, err = sync("2")
	refused(t, err, dispatch.Invalid, "/channel")
	test := f.who
	test.Test = true
	_, err = f.SyncTemplates(t.Context(), test, admin.SyncOf("1"))
	refused(t, err, dispatch.Forbidden)
}
