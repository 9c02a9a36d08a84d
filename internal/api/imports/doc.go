package imports

import (
	"net/http"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/admin/imports"
	"github.com/sendoff/sendoff/internal/apidoc"
)

const (
	tag   = "Imports"
	works = "manage, or send_template for an audience"
	views = "manage or view_messages"
)

// Operations describes the routes of imports and exports.
func Operations() []apidoc.Operation {
	one := map[int]apidoc.Response{http.StatusAccepted: {Type: imports.Import{}}}
	ops := []apidoc.Operation{
		{
			Method: http.MethodPost, Path: "/v1/imports", Summary: "Import a file", Permission: works, Responses: one,
			Description: "The body is a CSV, NDJSON or XLSX file, or a form with it as file: at most 1 GB (XLSX 100 MB). It is read in the " +
				"background: GET returns how far. An empty body creates an upload that PUT adds bytes to. An import never changes consent.",
			Parameters: settings(), Request: apidoc.Request{Type: "", Media: "text/csv", Examples: []string{`"phone,name\n+15550000100,Ada\n"`}},
		},
		{
			Method: http.MethodGet, Path: "/v1/imports", Summary: "List imports", Permission: works, Description: "Returns imports, newest first.",
			Parameters: []apidoc.Parameter{
				apidoc.Query("kind", "string", "contacts, suppressions or audience."),
				apidoc.Query("status", "string", "uploading, running, done, stopped, failed or undone."),
				apidoc.Query("limit", "integer", "At most 1000. Default: 50."),
				apidoc.Query("cursor", "string", "The next_cursor of the previous page."),
			},
			Responses: map[int]apidoc.Response{http.StatusOK: {Type: admin.Page[*imports.Import]{}}},
		},
		{
			Method: http.MethodGet, Path: "/v1/imports/{id}", Summary: "Retrieve an import", Permission: works,
			Responses: map[int]apidoc.Response{http.StatusOK: {Type: imports.Import{}}},
		},
		{
			Method: http.MethodPut, Path: "/v1/imports/{id}", Summary: "Add bytes to an upload", Permission: works,
			Description: "Bytes that were received before are skipped, so a request that broke off can be repeated from received on.",
			Parameters:  []apidoc.Parameter{apidoc.Query("offset", "integer", "Where in the file the body begins, in bytes. Required.")},
			Request:     apidoc.Request{Type: "", Media: "application/octet-stream", Examples: []string{`"+15550000100,Ada\n"`}},
			Responses:   map[int]apidoc.Response{http.StatusOK: {Type: imports.Import{}}},
		},
		{
			Method: http.MethodPost, Path: "/v1/imports/{id}/finish", Summary: "Close an upload", Permission: works, Responses: one,
			Description: "The file is complete and is imported from now on.",
		},
		{
			Method: http.MethodPost, Path: "/v1/imports/{id}/continue", Summary: "Continue a stopped import", Permission: works, Responses: one,
			Description: "Imports the rows that can be read, however many cannot.",
		},
		{
			Method: http.MethodDelete, Path: "/v1/imports/{id}", Summary: "Undo an import", Permission: works, Responses: one,
			Description: "Takes back what the import created or changed, unless it was changed again since. The status ends as undone.",
		},
	}
	ops = append(ops, files()...)
	for i := range ops {
		ops[i].Tag, ops[i].Problems = tag, true
	}
	return ops
}

// files describes the files that we write.
func files() []apidoc.Operation {
	csv := func(example string) map[int]apidoc.Response {
		return map[int]apidoc.Response{http.StatusOK: {Type: "", Media: "text/csv", Example: example}}
	}
	const guard = " Cells that a spreadsheet could run have an apostrophe in front, which an import drops."
	return []apidoc.Operation{
		{
			Method: http.MethodGet, Path: "/v1/imports/{id}/errors.csv", Summary: "Export the bad rows of an import", Permission: works,
			Description: "Corrected, the file can be uploaded: columns that begin with _ are skipped.",
			Responses:   csv("_line,_column,_error,phone\n3,phone,...,nobody\n"),
		},
		{
			Method: http.MethodGet, Path: "/v1/contacts.csv", Summary: "Export contacts", Permission: views,
			Description: "An import of the file yields the same contacts." + guard, Responses: csv("phone,wa_id,user_id,name,time_zone,fields\n"),
		},
		{
			Method: http.MethodGet, Path: "/v1/lists/{id}/contacts.csv", Summary: "Export the contacts of a list", Permission: views,
			Description: "An import of the file yields the same contacts." + guard, Responses: csv("phone,wa_id,user_id,name,time_zone,fields\n"),
		},
		{
			Method: http.MethodGet, Path: "/v1/suppressions.csv", Summary: "Export suppressions", Permission: views,
			Description: "An import of the file yields the same suppressions." + guard,
			Responses:   csv("phone,wa_id,user_id,scope,reason,detail,created_at\n"),
		},
	}
}

func settings() []apidoc.Parameter {
	return []apidoc.Parameter{
		apidoc.Query("kind", "string", "contacts, suppressions or audience. Required."),
		apidoc.Query("list", "integer", "contacts: the id of the list to add them to."),
		apidoc.Query("campaign", "integer", "audience: the id of the campaign to add it to. Without it, name the import in audience.import."),
		apidoc.Query("default_country", "string", "The country of numbers without + or 00, as two letters of ISO 3166."),
		apidoc.Query("phone_column", "string", "The name of the column with the numbers. Default: found by name or content."),
		apidoc.Query("delimiter", "string", "One of , ; tab |. Default: found out."),
		apidoc.Query("encoding", "string", "Such as windows-1252. Default: found out."),
		apidoc.Queries("map",
			"column:field, repeatable. Fields: phone, name, time_zone, wa_id, user_id, fields.NAME, or - to drop the column."),
		apidoc.Query("update", "string", "fields (the default) or none: contacts that exist stay as they are."),
		apidoc.Query("dry_run", "boolean", "Count only, write nothing."),
		apidoc.Query("force", "boolean", "Do not stop when over 20 % of the first 1,000 rows are bad."),
	}
}
