curl -X POST \
https://<api_domain>/v2/<sid>/whatsapp/<phone_number>/messages \
-H 'Content-Type: <content_type>' \
-H 'api-key: <api-key>' \
-d '{
"messaging_object": {
"messaging_product": "<messaging_product>",
"recipient_type": "<recipient_type>",
"to": "<to_number>",
"type": "<type>",
"template": {
"name": "<template_name>",
"language": {
"code": "<template_language_code>"
},
"components": [
{
"type": "<type>",
"parameters": [
{
"type": "<type>",
"text": "<one-time-password>"
}
]
},
{
"type": "<type>",
"sub_type": "<sub_type>",
"index": <index_value>,
"parameters": [
{
"type": "<type>",
"text": "<one_time_password>"
}
]
}
]
}
},
"extra_info": {
"ref": "<ref>",
"ref1": "<ref1>",
"ref2": "<ref2>",
"wa_source": "<wa_source>"
}
}'
