package admin

// Views of the tests in package admin_test.
type (
	AccountView  = accountView
	ChannelView  = channelView
	KeyView      = keyView
	LedgerView   = ledgerView
	WithPassword = withPassword
)

// MinPassword is the least length of a password.
const MinPassword = minPassword
