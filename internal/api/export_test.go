package api

import "github.com/labstack/echo/v4"

// Routes returns every route of the server.
func (s *Server) Routes() []*echo.Route { return s.echo.Routes() }
