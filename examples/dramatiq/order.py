from shop import charge

for order in range(1, 5):
    charge.send(order)
