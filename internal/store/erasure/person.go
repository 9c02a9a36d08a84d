package erasure

// What else is removed of the person with the ids $2 of the account $1.
var ofPerson = []statement{
	{"contacts", `DELETE FROM contacts WHERE account_id = $1 AND (phone = ANY($2) OR wa_id <> '' AND '+' || wa_id = ANY($2)
		OR user_id <> '' AND user_id = ANY($2))`},
	{"campaign_recipients", `UPDATE campaign_recipients r SET recipient = '', person = NULL, fields = '{}', detail = '' FROM campaigns c
		WHERE c.id = r.campaign_id AND c.account_id = $1 AND r.recipient = ANY($2)`},
	// a result of a validation has numbers and texts of some recipients, and is made anew on demand
	{"campaign_validations", `DELETE FROM campaign_validations v USING campaigns c WHERE c.id = v.campaign_id AND c.account_id = $1
		AND v.result IS NOT NULL AND $2::text[] IS NOT NULL`},
	{"import_rows", `UPDATE import_rows r SET phone = NULL, wa_id = '', user_id = '', name = '', time_zone = '', fields = '{}', problem = NULL,
		cells = NULL, result = 'suppressed' FROM imports i WHERE i.id = r.import_id AND i.account_id = $1
		AND (r.phone = ANY($2) OR r.wa_id <> '' AND '+' || r.wa_id = ANY($2) OR r.user_id <> '' AND r.user_id = ANY($2)
		OR EXISTS (SELECT 1 FROM unnest($2::text[]) v WHERE strpos(translate(r.cells::text, ' ()-./', ''), ltrim(v, '+')) > 0))`},
	// the first values of a file's columns
	{"import_samples", `UPDATE imports SET columns = (SELECT jsonb_agg(c || '{"sample":""}' ORDER BY n)
		FROM jsonb_array_elements(columns) WITH ORDINALITY AS x (c, n)) WHERE account_id = $1 AND $2::text[] IS NOT NULL
		AND columns @? '$[*] ? (@.sample != "")'`},
	{"import_changes", `DELETE FROM import_changes c USING imports i WHERE i.id = c.import_id AND i.account_id = $1
		AND (c.target = ANY($2) OR EXISTS (SELECT 1 FROM (VALUES (c.before), (c.after)) AS x (j)
		WHERE j ->> 'phone' = ANY($2) OR '+' || (j ->> 'wa_id') = ANY($2) OR j ->> 'user_id' = ANY($2)))`},
	// what a callback reports for which no message is found, for a day
	{"parked_callbacks", `DELETE FROM parked_callbacks p USING channels c WHERE c.id = p.channel_id AND c.account_id = $1
		AND EXISTS (SELECT 1 FROM unnest($2::text[]) v WHERE strpos(p.body, ltrim(v, '+')) > 0)`},
	{"audit_log", `UPDATE audit_log SET detail = '{}', target = CASE WHEN split_part(target, ':', 2) = ANY($2) THEN '' ELSE target END
		WHERE account_id = $1 AND (split_part(target, ':', 2) = ANY($2)
		OR EXISTS (SELECT 1 FROM unnest($2::text[]) v WHERE strpos(detail::text, v) > 0))`},
	{"windows", `DELETE FROM windows w USING channels c WHERE c.id = w.channel_id AND c.account_id = $1 
		AND (w.phone = ANY($2) OR w.wa_id <> '' AND '+' || w.wa_id = ANY($2))`},
	{"portfolio_users", `DELETE FROM portfolio_users WHERE account_id = $1 AND person = ANY($2)`},
	{"opt_ins", `DELETE FROM opt_ins WHERE account_id = $1 AND value = ANY($2)`},
	{"suppressions", `DELETE FROM suppressions WHERE account_id = $1 AND phone = ANY($2)`},
	{"identities", `DELETE FROM identities WHERE account_id = $1 AND value = ANY($2)`},
}
