curl -X POST https://app.aisoule.com/api/messages/send \
-H "X-API-Key: your_key" \
-H "Content-Type: application/json" \
-d '{
"to": "+919876543210",
"type": "template",
"template": {
"name": "order_confirmation",
"language": "en",
"components": [
{
"type": "body",
"parameters": [
{ "type": "text", "text": "John" },
{ "type": "text", "text": "ORD-789" }
]
}
]
}
}'
