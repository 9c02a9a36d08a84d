package dispatch

// Twilio's limits for one SMS or MMS: error 21617 above 1600 characters, at
// most ten MediaUrl.
const (
	maxSMSText  = 1600
	maxSMSMedia = 10
)

var smsTypes = []Type{TypeText, TypeImage, TypeVideo, TypeAudio, TypeDocument}

// ValidateSMS returns the faults of c on an SMS channel: a text, or links to
// files with a text as the caption of the first.
func (c *Content) ValidateSMS() Faults {
	var f Faults
	if !c.checkObjects(&f) {
		return f
	}
	switch c.Type {
	case TypeText:
		f.Text("/text/body", c.Text.Body, 1, maxSMSText)
		if len(c.MoreMedia) > 0 {
			f.Add("/more_media", "a message of type \"text\" has no files")
		}
	case TypeImage, TypeVideo, TypeAudio, TypeDocument:
		at := "/" + string(c.Type)
		c.MediaObject().validateSMS(&f, at)
		f.Text(at+"/caption", c.MediaObject().Caption, 0, maxSMSText)
		for i := range c.MoreMedia {
			c.MoreMedia[i].validateSMS(&f, Pointer("/more_media", i))
			if c.MoreMedia[i].Caption != "" {
				f.Add(Pointer("/more_media", i, "caption"), "only the first file has a caption")
			}
		}
		if 1+len(c.MoreMedia) > maxSMSMedia {
			f.Add("/more_media", "%d files; at most %d are allowed", 1+len(c.MoreMedia), maxSMSMedia)
		}
	default:
		f.Add("/type", "an SMS channel can't send %q, only %s", c.Type, joinTypes(smsTypes))
	}
	if c.IdentityKeyHash != "" {
		f.Add("/recipient_identity_key_hash", "an SMS channel takes none")
	}
	if c.Context != nil {
		f.Add("/context", "an SMS can't be a reply to a message")
	}
	return f
}

// validateSMS checks one file of an MMS, which is sent by its link.
func (m *Media) validateSMS(f *Faults, at string) {
	if m.ID != "" {
		f.Add(at+"/id", "an SMS channel takes files by link only")
	}
	if m.Voice {
		f.Add(at+"/voice", "an SMS channel has no voice messages")
	}
	if m.Link == "" {
		f.Add(at+"/link", "is required")
		return
	}
	f.Link(at+"/link", m.Link)
}
