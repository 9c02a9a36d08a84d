curl --location --request POST 'https://api.socialone.ai/api/v1/messages/api/send-message/' \
--header 'x-api-key: <YOUR_API_KEY>' \
--header 'Content-Type: application/json' \
--data-raw '{
"country_code": "91",
"phone_number": "<PHONE_NUMBER>",
"template_id": <TEMPLATE_ID>,
"social_account_id": <SOCIAL_ACCOUNT_ID>,
"variables": ["John"],
"media_file": {
"url": "https://example.com/your-image.jpg"
}
}'
