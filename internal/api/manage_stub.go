package api

import "github.com/danielgtaylor/huma/v2"

func (m *manager) contacts()     {}
func (m *manager) lists()        {}
func (m *manager) suppressions() {}
func (m *manager) users()        {}
func (m *manager) records()      {}
func (m *manager) credits()      {}

var nativeSecurity = []map[string][]string{{"bearer": {}}, {"api_key": {}}}

func (s *Server) describe(*huma.OpenAPI) {}
