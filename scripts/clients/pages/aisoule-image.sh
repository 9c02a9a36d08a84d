curl -X POST https://app.aisoule.com/api/messages/send \
-H "X-API-Key: your_key" \
-H "Content-Type: application/json" \
-d '{
"to": "+919876543210",
"type": "image",
"image": {
"url": "https://example.com/product.jpg",
"caption": "Check out our new product!"
}
}'
