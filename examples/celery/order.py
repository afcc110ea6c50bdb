from shop import charge

for order in range(1, 7):
    charge.delay(order)
