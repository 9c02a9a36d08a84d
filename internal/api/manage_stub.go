package api

import "github.com/danielgtaylor/huma/v2"

var nativeSecurity = []map[string][]string{{"bearer": {}}, {"api_key": {}}}

func (s *Server) describe(*huma.OpenAPI) {}
