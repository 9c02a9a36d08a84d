package meta

import (
	"encoding/json"
	"strconv"

	"github.com/sendoff/sendoff/internal/provider"
)

// messagingLimit reads how many unique users the business may write to in 24
// hours, -1 for any number; 0 for another field
// (developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/business_capability_update).
func messagingLimit(field string, raw json.RawMessage) int {
	if field != "business_capability_update" {
		return 0
	}
	var v struct {
		PerBusiness provider.Scalar `json:"max_daily_conversations_per_business"`
		PerNumber   provider.Scalar `json:"max_daily_conversation_per_phone"` // before October 2025
	}
	if err := json.Unmarshal(raw, &v); err != nil && !wrongType(err) {
		return 0
	}
	for _, text := range []provider.Scalar{v.PerBusiness, v.PerNumber} {
		if n, err := strconv.Atoi(string(text)); err == nil && n >= -1 {
			return n
		}
	}
	return 0
}
