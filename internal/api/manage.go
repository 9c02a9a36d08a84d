package api

import "github.com/labstack/echo/v4"

// manage serves the administrative routes.
func (s *Server) manage(*echo.Group) {}
