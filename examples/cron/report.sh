echo "7 orders"
